import type { Duplex } from "node:stream";
import type { AttachOptions } from "#executor";
import { ClientStream } from "./client-stream.ts";
import type { Container } from "./container.ts";
import type { AttachRequest } from "./containers.ts";
import { type Context, emit, settled } from "./context.ts";
import { detachKeysOf } from "./detach.ts";
import { pausedBeforeAttach, restartingBeforeAttach } from "./errors.ts";
import { readLog } from "./log/follow.ts";
import { isReadable } from "./log-options.ts";
import { transcoded } from "./logs.ts";

/** The stdio of a container as a stream: its past if asked for, then live, or once it starts. */
export async function attach(context: Context, reference: string, request: AttachRequest): Promise<Duplex> {
  const { id } = context.store.resolve(reference);
  await settled(context, id);
  const container = context.store.get(id);
  const { status } = container.state;
  if (status === "paused") throw pausedBeforeAttach(reference);
  if (status === "restarting") throw restartingBeforeAttach(reference);

  const options: AttachOptions = {
    stdin: request.stdin && container.config.OpenStdin === true,
    stdout: request.stdout,
    stderr: request.stderr,
  };
  const tty = container.config.Tty === true;
  const detachKeys = detachKeysOf(request.detachKeys, { tty, stdin: options.stdin });
  const stream = new ClientStream({
    detachKeys,
    onDetach: () => emit(context, "detach", context.store.find(id) ?? container),
  });
  const task = context.tasks.get(id);
  emit(context, "attach", container);
  if (!request.stream) replay(context, container, { stream, request, afterwards: () => stream.abandon() });
  else if (!task) context.attaches.add(id, { stream, options });
  else {
    const live = await task.monitor.attach(options);
    if (request.logs) replay(context, container, { stream, request, afterwards: () => stream.connect(live) });
    // Nothing is to be put before it or looked for in it: the client gets the socket itself.
    else if (!detachKeys) return live;
    else stream.connect(live);
  }
  return stream;
}

/** Sends what the log has so far, if that was asked for, and goes on. */
function replay(
  context: Context,
  { id, config, hostConfig }: Container,
  { stream, request, afterwards }: { stream: ClientStream; request: AttachRequest; afterwards: () => void },
): void {
  const send = async () => {
    if (!request.logs || !isReadable(hostConfig.LogConfig ?? {})) return;
    const history = transcoded(readLog(context.layout.files(id).log, { tail: -1 }), {
      stdout: request.stdout,
      stderr: request.stderr,
      raw: config.Tty === true,
      timestamps: false,
      details: false,
      since: "",
      until: "",
    });
    for await (const piece of history) await stream.prepend(piece);
  };
  context.background.run(`log replay of container ${id}`, send().finally(afterwards));
}
