/** What logs need of the daemon besides the monitors that write them: sinks get what is theirs, rotated files are compressed. */
import { messageOf } from "#lib/errors";
import type { Container } from "./container.ts";
import type { Context, Dependencies } from "./context.ts";
import { compressRotated } from "./log/compress.ts";
import { Shippers } from "./log/ship/shippers.ts";
import { spoolOf } from "./log-options.ts";
import { isRunning } from "./state.ts";

/** Old enough that it is of no use uncompressed, soon enough that little lies about uncompressed. */
const COMPRESS_INTERVAL_MS = 15_000;

export function createShippers(dependencies: Dependencies): Shippers {
  const { layout, clock, background, logger, executor, hostname, processID } = dependencies;
  return new Shippers({
    logPath: (id) => layout.files(id).log,
    folder: (id) => layout.container(id),
    machine: () => ({ executor, clock, hostname: hostname(), processID }),
    clock,
    background,
    logger,
  });
}

/** Once records and machine agree: sends what an earlier daemon left, and compresses from now on until the engine lets go. */
export function beginLogUpkeep(context: Context): void {
  for (const container of context.store.all()) {
    if (!isRunning(container.state)) context.shippers.catchUp(container);
  }
  scheduleCompression(context);
}

function scheduleCompression(context: Context): void {
  const { signal } = context.released;
  if (signal.aborted) return;
  const cancel = context.clock.after(COMPRESS_INTERVAL_MS, () => {
    signal.removeEventListener("abort", cancel);
    context.background.run(
      "compression of logs",
      compressAll(context).finally(() => scheduleCompression(context)),
    );
  });
  signal.addEventListener("abort", cancel, { once: true });
}

/** One after the other: it is never urgent. */
async function compressAll(context: Context): Promise<void> {
  for (const id of [...context.tasks.keys()]) {
    const container = context.store.find(id);
    if (!container || context.released.signal.aborted) continue;
    await compress(context, container).catch((error) => {
      context.logger.warn("rotated log files are not compressed", { container: id, error: messageOf(error) });
    });
  }
}

async function compress(context: Context, { id, hostConfig }: Container): Promise<void> {
  const config = hostConfig.LogConfig ?? {};
  if (config.Type === "none" || !spoolOf(config).compress) return;
  await compressRotated(context.layout.files(id).log, context.released.signal);
}
