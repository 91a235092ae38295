import { EngineError } from "#lib/errors";
import { formatNano, parseTimestamp } from "#lib/time";
import type { LogsRequest } from "./containers.ts";
import { type Context, settled } from "./context.ts";
import { invalidTime, noLogReader, noStream } from "./errors.ts";
import { readLog } from "./log/follow.ts";
import { type TranscodeOptions, Transcoder } from "./log/transcoder.ts";
import { isReadable } from "./log-options.ts";
import { isRunning } from "./state.ts";

export async function logs(
  context: Context,
  reference: string,
  request: LogsRequest,
): Promise<AsyncIterable<Uint8Array>> {
  const { id, config, hostConfig, state } = context.store.resolve(reference);
  if (!request.stdout && !request.stderr) throw noStream();
  if (!isReadable(hostConfig.LogConfig ?? {})) throw noLogReader();
  if (state.status === "removing" || state.status === "dead") {
    throw new EngineError("conflict", "can not get logs from container which is dead or marked for removal");
  }
  await settled(context, id);
  const { monitor } = context.tasks.get(id) ?? {};
  const follow = request.follow && monitor && isRunning(context.store.get(id).state);
  return transcoded(
    readLog(context.layout.files(id).log, {
      tail: request.tail,
      ...(follow ? { until: endOf(context, monitor, request.until) } : {}),
      ...(request.signal ? { signal: request.signal } : {}),
    }),
    {
      stdout: request.stdout,
      stderr: request.stderr,
      raw: config.Tty === true,
      timestamps: request.timestamps,
      details: request.details,
      since: bound(request.since),
      until: bound(request.until),
    },
  );
}

/** Output in pieces of many frames. */
export async function* transcoded(
  pieces: AsyncIterable<Buffer>,
  options: TranscodeOptions,
): AsyncGenerator<Uint8Array> {
  const transcoder = new Transcoder(options);
  for await (const lines of pieces) {
    const output = transcoder.transcode(lines);
    if (output.length > 0) yield output;
    if (transcoder.past) return;
  }
}

/** When a follower is done: the container ended and its log is complete, or `until` has come. */
async function endOf(context: Context, monitor: { readonly exited: Promise<unknown> }, until: string): Promise<void> {
  const exited = monitor.exited.then(
    () => undefined,
    () => undefined,
  );
  const end = until === "" || until === "0" ? undefined : parseTimestamp(until);
  if (end === undefined) return await exited;
  const due = Promise.withResolvers<void>();
  const cancel = context.clock.after(Number((end - context.clock.nowNano()) / 1_000_000n), due.resolve);
  await Promise.race([exited, due.promise]);
  cancel();
}

/** As a fixed-width text; clients send 0 for no bound. */
function bound(text: string): string {
  if (text === "" || text === "0") return "";
  const nano = parseTimestamp(text);
  if (nano === undefined) throw invalidTime(text);
  return formatNano(nano, { fixed: true });
}
