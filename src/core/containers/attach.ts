import type { Duplex } from "node:stream";
import { PassThrough } from "node:stream";
import type { AttachOptions } from "#executor";
import type { Container } from "./container.ts";
import type { AttachRequest } from "./containers.ts";
import { type Context, emit, settled } from "./context.ts";
import { pausedBeforeAttach, restartingBeforeAttach } from "./errors.ts";
import { LateStream } from "./late-stream.ts";
import { readLog } from "./log/follow.ts";
import { transcoded } from "./logs.ts";

/** The stdio of a container as a stream: live, or once it starts. */
export async function attach(context: Context, reference: string, request: AttachRequest): Promise<Duplex> {
  const { id } = context.store.resolve(reference);
  await settled(context, id);
  const container = context.store.get(id);
  const { status } = container.state;
  if (status === "paused") throw pausedBeforeAttach(reference);
  if (status === "restarting") throw restartingBeforeAttach(reference);
  const live = request.stream ? await openLive(context, container, request) : new PassThrough().end();
  emit(context, "attach", container);
  return request.logs ? withHistory(context, container, { live, request }) : live;
}

async function openLive(context: Context, { id, config }: Container, request: AttachRequest): Promise<Duplex> {
  const options: AttachOptions = {
    stdin: request.stdin && config.OpenStdin === true,
    stdout: request.stdout,
    stderr: request.stderr,
  };
  const task = context.tasks.get(id);
  return task ? await task.monitor.attach(options) : context.attaches.add(id, options);
}

/** What the log has so far, then what comes. */
function withHistory(
  context: Context,
  { id, config, hostConfig }: Container,
  { live, request }: { live: Duplex; request: AttachRequest },
): Duplex {
  const stream = new LateStream();
  const replay = async () => {
    if (hostConfig.LogConfig?.Type === "none") return;
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
  context.background.run(
    `log replay of container ${id}`,
    replay().then(
      () => stream.connect(live),
      (error: Error) => {
        live.destroy();
        stream.destroy(error);
      },
    ),
  );
  return stream;
}
