import { containers, type EngineClient } from "#client";
import { EngineError, isKind } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { describeFailure } from "../../failure.ts";
import { bool, string } from "../../flags/flag.ts";
import { runSession } from "../../session/attach-session.ts";
import { chooseDetachKeys } from "../../session/detach-keys.ts";
import { followTerminalSize } from "../../session/resize.ts";
import { forwardSignals } from "../../session/signals.ts";

export const start = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Start one or more stopped containers",
  args: { kind: "at-least", count: 1 },
  flags: {
    attach: bool({ short: "a", help: "Attach STDOUT/STDERR and forward signals" }),
    checkpoint: string({ hidden: true, help: "Restore from this checkpoint" }),
    "checkpoint-dir": string({ hidden: true, help: "Use a custom checkpoint storage directory" }),
    "detach-keys": string({ help: "Override the key sequence for detaching a container" }),
    interactive: bool({ short: "i", help: "Attach container's STDIN" }),
  },
  completeArgs: "stopped-containers",
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const checkpoint = { checkpoint: flags.checkpoint, checkpointDir: flags["checkpoint-dir"] };
    if (!flags.attach && !flags.interactive) return startAll(context, engine, args, checkpoint);
    if (args.length > 1) {
      throw new EngineError("invalid-parameter", "you cannot start and attach multiple containers at once");
    }
    const detachKeys = chooseDetachKeys(context, flags["detach-keys"]);
    return startAttached(context, engine, { name: args[0]!, interactive: flags.interactive, detachKeys, checkpoint });
  },
});

type Checkpoint = NonNullable<Parameters<typeof containers.start>[2]>;

async function startAll(
  context: Context,
  engine: EngineClient,
  names: readonly string[],
  checkpoint: Checkpoint,
): Promise<number> {
  const failed: string[] = [];
  for (const name of names) {
    try {
      await containers.start(engine, name, checkpoint);
      context.io.stdout.write(`${name}\n`);
    } catch (error) {
      if (isKind(error, "canceled")) throw error;
      context.io.stderr.write(`${await describeFailure(error)}\n`);
      failed.push(name);
    }
  }
  if (failed.length === 0) return 0;
  throw new EngineError("internal", `Error: failed to start containers: ${failed.join(", ")}`);
}

interface AttachedStart {
  readonly name: string;
  readonly interactive: boolean;
  readonly detachKeys: string;
  readonly checkpoint: Checkpoint;
}

async function startAttached(context: Context, engine: EngineClient, start: AttachedStart): Promise<number> {
  const { io } = context;
  const { Id: id = start.name, Config: config, HostConfig: host } = await containers.inspect(engine, start.name);
  const tty = config?.Tty === true;
  const stdin = start.interactive && config?.OpenStdin === true;
  using cleanup = new DisposableStack();
  if (!tty) cleanup.use(forwardSignals(io, engine, id));
  const { detachKeys } = start;
  const stream = cleanup.use(await containers.attach(engine, id, { stdin, stdout: true, stderr: true, detachKeys }));
  const { result } = await containers.wait(engine, id, host?.AutoRemove === true ? "removed" : "next-exit");
  result.catch(() => undefined);
  await containers.start(engine, id, start.checkpoint);
  if (tty && io.stdout.isTerminal) {
    cleanup.use(followTerminalSize(io, (size) => containers.resize(engine, id, size)));
  }
  const how = await runSession({ io, stream, tty, stdin, detachKeys });
  return how === "detached" ? 0 : (await result).StatusCode;
}
