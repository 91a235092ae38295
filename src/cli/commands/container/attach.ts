import type { ContainerState } from "#api/engine";
import { containers } from "#client";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { bool, string } from "../../flags/flag.ts";
import type { Io } from "../../io.ts";
import { runSession } from "../../session/attach-session.ts";
import { chooseDetachKeys } from "../../session/detach-keys.ts";
import { followTerminalSize } from "../../session/resize.ts";
import { forwardSignals } from "../../session/signals.ts";

export const attach = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  summary: "Attach local standard input, output, and error streams to a running container",
  args: { kind: "exactly", count: 1 },
  flags: {
    "detach-keys": string({ help: "Override the key sequence for detaching a container" }),
    "no-stdin": bool({ help: "Do not attach STDIN" }),
    "sig-proxy": bool({ default: true, help: "Proxy all received signals to the process" }),
  },
  completeArgs: "running-containers",
  async run(context, { flags, args }) {
    const { io } = context;
    const engine = await context.engine();
    const container = await containers.inspect(engine, args[0]!);
    const id = container.Id ?? args[0]!;
    const tty = container.Config?.Tty === true;
    const stdin = !flags["no-stdin"] && container.Config?.OpenStdin === true;
    checkAttachable(container.State);
    if (stdin && tty && !io.stdin.isTerminal)
      throw new EngineError("invalid-parameter", "the input device is not a TTY");
    const detachKeys = chooseDetachKeys(context, flags["detach-keys"]);
    using cleanup = new DisposableStack();
    if (flags["sig-proxy"] && !tty) cleanup.use(forwardSignals(io, engine, id));
    const { result } = await containers.wait(engine, id);
    result.catch(() => undefined);
    const stream = cleanup.use(await containers.attach(engine, id, { stdin, stdout: true, stderr: true, detachKeys }));
    if (tty && io.stdout.isTerminal) {
      await redraw(io, (size) => containers.resize(engine, id, size));
      cleanup.use(followTerminalSize(io, (size) => containers.resize(engine, id, size)));
    }
    const how = await runSession({ io, stream, tty, stdin, detachKeys });
    if (how === "detached") throw new EngineError("canceled", "read escape sequence");
    return (await result).StatusCode;
  },
});

/** A program draws itself again when its terminal changes, so it is given another size before the right one. */
async function redraw(io: Io, resize: (size: containers.TerminalSize) => Promise<void>): Promise<void> {
  const size = io.terminalSize();
  if (size !== undefined) await resize({ rows: size.rows + 1, columns: size.columns + 1 });
}

function checkAttachable(state: ContainerState | undefined): void {
  const fault = (advice: string) => new EngineError("failed-precondition", advice);
  if (state?.Running !== true) throw fault("You cannot attach to a stopped container, start it first");
  if (state?.Paused === true) throw fault("You cannot attach to a paused container, unpause it first");
  if (state?.Restarting === true) throw fault("You cannot attach to a restarting container, wait until it is running");
}
