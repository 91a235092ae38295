import { containers, type EngineClient, type HijackedStream } from "#client";
import { EngineError, isKind } from "#lib/errors";
import { defineCommand, type Invocation } from "../../command.ts";
import type { Context } from "../../context.ts";
import { createFlags, imageFlags } from "../../create/flags.ts";
import { createRequest } from "../../create/request.ts";
import { describeFailure } from "../../failure.ts";
import { bool, string } from "../../flags/flag.ts";
import { runSession } from "../../session/attach-session.ts";
import { chooseDetachKeys } from "../../session/detach-keys.ts";
import { followTerminalSize } from "../../session/resize.ts";
import { forwardSignals } from "../../session/signals.ts";
import { Cidfile, surroundings } from "./_create.ts";
import { createContainer, parsePullPolicy } from "./_image.ts";

const flags = {
  ...createFlags,
  ...imageFlags,
  detach: bool({ short: "d", help: "Run container in background and print container ID" }),
  "detach-keys": string({ help: "Override the key sequence for detaching a container" }),
  "sig-proxy": bool({ default: true, help: "Proxy received signals to the process" }),
};

type RunInvocation = Invocation<typeof flags>;

export const run = defineCommand({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  summary: "Create and run a new container from an image",
  args: { kind: "at-least", count: 1 },
  flags,
  stopAtFirstArgument: true,
  completeArgs: "images",
  completeFlags: { pull: ["always", "missing", "never"], network: "networks", "volumes-from": "containers" },
  async run(context, invocation) {
    try {
      return await runContainer(context, invocation);
    } catch (error) {
      if (isKind(error, "canceled")) throw error;
      return reportFailure(context, error);
    }
  },
});

const EXIT_ENGINE = 125;
const EXIT_CANNOT_INVOKE = 126;
const EXIT_NOT_FOUND = 127;

/** Tells what failed; the exit code says whether it was the engine, or the command in the container. */
async function reportFailure(context: Context, error: unknown): Promise<number> {
  const text = await describeFailure(error);
  const program = context.commandPath.split(" ")[0];
  context.io.stderr.write(`${program}: ${text}\n\nRun '${context.commandPath} --help' for more information\n`);
  const isFromEngine = error instanceof EngineError && error.data.status !== undefined;
  if (!isFromEngine) return EXIT_ENGINE;
  if (/executable file not found|no such file or directory/.test(text)) return EXIT_NOT_FOUND;
  return /permission denied|is a directory/.test(text) ? EXIT_CANNOT_INVOKE : EXIT_ENGINE;
}

async function runContainer(context: Context, invocation: RunInvocation): Promise<number> {
  const { flags } = invocation;
  const [image = "", ...command] = invocation.args;
  const described = createRequest({ flags, given: invocation.given, image, command }, await surroundings(context));
  const pull = parsePullPolicy(flags.pull);
  const detachKeys = chooseDetachKeys(context, flags["detach-keys"]);
  if (flags.detach && flags.attach.length > 0) {
    context.io.stderr.write("conflicting options: cannot specify both --attach and --detach\n");
    return 1;
  }
  const request = flags.detach ? detached(described) : described;
  if (request.AttachStdin === true && request.Tty === true && !context.io.stdin.isTerminal) {
    context.io.stderr.write("the input device is not a TTY\n");
    return 1;
  }
  const engine = await context.engine();
  using cidfile = new Cidfile(flags.cidfile);
  const { name, platform, quiet } = flags;
  const id = await createContainer(context, engine, { request, name, platform, pull, quiet });
  cidfile.write(id);
  if (!flags.detach) {
    return runAttached(context, engine, { id, request, detachKeys, forward: flags["sig-proxy"] });
  }
  await containers.start(engine, id);
  context.io.stdout.write(`${id}\n`);
  return 0;
}

function detached(request: containers.ContainerCreateRequest): containers.ContainerCreateRequest {
  return { ...request, AttachStdin: false, AttachStdout: false, AttachStderr: false, StdinOnce: false };
}

interface AttachedRun {
  readonly id: string;
  readonly request: containers.ContainerCreateRequest;
  readonly detachKeys: string;
  /** Whether signals go to the container. */
  readonly forward: boolean;
}

async function runAttached(context: Context, engine: EngineClient, run: AttachedRun): Promise<number> {
  const { io } = context;
  const { id, request } = run;
  const tty = request.Tty === true;
  const stdin = request.AttachStdin === true;
  using cleanup = new DisposableStack();
  if (run.forward) cleanup.use(forwardSignals(io, engine, id));
  const stream = cleanup.use(await attachTo(engine, run));
  // Both before the start: neither the first output nor the exit of a short process may be missed.
  const isRemoved = request.HostConfig.AutoRemove === true;
  const { result } = await containers.wait(engine, id, isRemoved ? "removed" : "next-exit");
  result.catch(() => undefined);
  try {
    await containers.start(engine, id);
  } catch (error) {
    stream.close();
    if (isRemoved) await result.catch(() => undefined);
    throw error;
  }
  if (tty && io.stdout.isTerminal) {
    cleanup.use(followTerminalSize(io, (size) => containers.resize(engine, id, size)));
  }
  const how = await runSession({ io, stream, tty, stdin, detachKeys: run.detachKeys });
  if (how === "detached") return 0;
  const exit = await result;
  if (exit.Error?.Message) throw new EngineError("internal", `Error waiting for container: ${exit.Error.Message}`);
  return exit.StatusCode;
}

function attachTo(engine: EngineClient, { id, request, detachKeys }: AttachedRun): Promise<HijackedStream> {
  return containers.attach(engine, id, {
    stdin: request.AttachStdin === true,
    stdout: request.AttachStdout === true,
    stderr: request.AttachStderr === true,
    detachKeys,
  });
}
