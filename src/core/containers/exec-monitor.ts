import { mkdirSync } from "node:fs";
import { baseEnvironment, compileExecPlan, mergeEnvironment, type ResolvedUser, resolveUser } from "#core/runtime";
import type { Monitor, ProcessPlan } from "#executor";
import { EngineError } from "#lib/errors";
import type { Container, ExecConfig } from "./container.ts";
import type { Context, Task } from "./context.ts";
import { shortened } from "./layout.ts";
import { linkVariables } from "./links.ts";

const USER_FILE_LIMIT_BYTES = 1024 * 1024;

export interface ExecLaunch {
  readonly id: string;
  readonly config: ExecConfig;
  readonly container: Container;
  readonly task: Task;
  /** Whether the process waits for somebody to attach. */
  readonly attached: boolean;
  readonly size: { readonly width: number; readonly height: number };
}

/** Starts the monitor of a further process in a running container. Its folder is the caller's to remove. */
export async function launchExec(context: Context, launch: ExecLaunch): Promise<Monitor> {
  const { id, config, container, attached, size } = launch;
  const folder = context.layout.exec(container.id, id);
  const plan = await compile(context, launch);
  // On tmpfs: waiting for a thread to do it takes ten times as long.
  mkdirSync(folder.path, { recursive: true, mode: 0o700 });
  return await context.executor.start({
    name: shortened(id).slice(0, 12),
    plan,
    socketPath: folder.socket,
    exitPath: folder.exit,
    stdio: { tty: config.tty, stdin: config.attachStdin && attached, stdinOnce: true, ...size },
    awaitAttach: attached ? 1 : 0,
    oomPath: "",
    spoolDir: folder.path,
  });
}

async function compile(context: Context, { config, container, task }: ExecLaunch): Promise<ProcessPlan> {
  const { spec } = task;
  if (!spec) throw new EngineError("internal", `exec in container ${container.id}: its OCI document is lost`);
  const environment = linkVariables(context.store, container);
  return compileExecPlan(
    spec,
    task.pid,
    {
      argv: config.command,
      env: mergeEnvironment(baseEnvironment(container.config, { tty: config.tty, environment }), config.env),
      user: await findUser(context, { config, container, task }),
      cwd: config.workingDir || (spec.process?.cwd ?? "/"),
      tty: config.tty,
      privileged: config.privileged,
    },
    context.host,
  );
}

/**
 * Who the process is: with no user named for it nor for the container, whom the container was started as; else by the files that the
 * container's processes see now. @throws `invalid-parameter`
 */
export async function findUser(
  context: Context,
  { config, container, task }: Pick<ExecLaunch, "config" | "container" | "task">,
): Promise<ResolvedUser> {
  const user = config.user || container.config.User || "";
  const first = task.spec?.process;
  if (user === "" && first) {
    const { uid, gid, additionalGids = [] } = first.user;
    const home = first.env?.find((variable) => variable.startsWith("HOME="))?.slice("HOME=".length) ?? "/";
    return { uid, gid, groups: additionalGids, home };
  }
  const root = `/proc/${task.pid}/root`;
  const [passwd, group] = await context.executor.run(
    ["/etc/passwd", "/etc/group"].map((target) => ({
      op: "read-in-root" as const,
      root,
      target,
      limitBytes: USER_FILE_LIMIT_BYTES,
    })),
  );
  return resolveUser(user, { passwd, group }, container.hostConfig.GroupAdd ?? []);
}
