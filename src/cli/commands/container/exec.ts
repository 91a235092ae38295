import { containers, type EngineClient, execs } from "#client";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { checkEnv } from "../../create/checks.ts";
import { readEnvironment } from "../../create/env-files.ts";
import { bool, list, string } from "../../flags/flag.ts";
import { runSession } from "../../session/attach-session.ts";
import { chooseDetachKeys } from "../../session/detach-keys.ts";
import { followTerminalSize } from "../../session/resize.ts";

export const exec = defineCommand({
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  summary: "Execute a command in a running container",
  args: { kind: "at-least", count: 2 },
  flags: {
    detach: bool({ short: "d", help: "Detached mode: run command in the background" }),
    "detach-keys": string({ help: "Override the key sequence for detaching a container" }),
    env: list({ short: "e", check: checkEnv, help: "Set environment variables" }),
    "env-file": list({ help: "Read in a file of environment variables" }),
    interactive: bool({ short: "i", help: "Keep STDIN open even if not attached" }),
    privileged: bool({ help: "Give extended privileges to the command" }),
    tty: bool({ short: "t", help: "Allocate a pseudo-TTY" }),
    user: string({ short: "u", help: 'Username or UID (format: "<name|uid>[:<group|gid>]")' }),
    workdir: string({ short: "w", help: "Working directory inside the container" }),
  },
  stopAtFirstArgument: true,
  completeArgs: "running-containers",
  async run(context, { flags, args }) {
    const { io } = context;
    const [container = "", ...command] = args;
    const env = readEnvironment(flags["env-file"], flags.env, io.env);
    const detachKeys = chooseDetachKeys(context, flags["detach-keys"]);
    const stdin = flags.interactive && !flags.detach;
    const engine = await context.engine();
    if (stdin && flags.tty && !io.stdin.isTerminal) {
      // A wrong name is what the user hears of first.
      await containers.inspect(engine, container);
      throw new EngineError("invalid-parameter", "the input device is not a TTY");
    }
    const size = flags.tty && io.stdout.isTerminal ? io.terminalSize() : undefined;
    const consoleSize = size === undefined ? {} : { ConsoleSize: [size.rows, size.columns] as const };
    const id = await execs.create(engine, container, {
      User: flags.user,
      Privileged: flags.privileged,
      Tty: flags.tty,
      ...consoleSize,
      AttachStdin: stdin,
      AttachStderr: !flags.detach,
      AttachStdout: !flags.detach,
      DetachKeys: detachKeys,
      Env: env.length === 0 ? null : env,
      WorkingDir: flags.workdir,
      Cmd: command,
    });
    const start = { Detach: flags.detach, Tty: flags.tty, ...consoleSize };
    if (!flags.detach) return runAttached(context, engine, { id, start, stdin, detachKeys });
    await execs.start(engine, id, start);
    return 0;
  },
});

interface AttachedExec {
  readonly id: string;
  readonly start: execs.ExecStart;
  readonly stdin: boolean;
  readonly detachKeys: string;
}

async function runAttached(context: Context, engine: EngineClient, exec: AttachedExec): Promise<number> {
  const { io } = context;
  const { id, start, stdin, detachKeys } = exec;
  const tty = start.Tty;
  using stream = await execs.attach(engine, id, start);
  using _resize =
    tty && io.stdin.isTerminal ? followTerminalSize(io, (size) => execs.resize(engine, id, size)) : undefined;
  const how = await runSession({ io, stream, tty, stdin, detachKeys });
  if (how === "detached") throw new EngineError("canceled", "read escape sequence");
  return (await execs.inspect(engine, id)).ExitCode ?? 0;
}
