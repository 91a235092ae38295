import { Change } from "./change.ts";
import { closeAll, type LogFile, openLog, openNext } from "./files.ts";
import { LineReader } from "./lines.ts";
import { findTail } from "./tail.ts";

export interface ReadOptions {
  /** -1: all lines. */
  readonly tail: number;
  /** Goes on with what is written later, until this resolves and all was read. */
  readonly until?: Promise<unknown>;
  readonly signal?: AbortSignal;
}

/** The lines of a log in pieces, in order, each once, over all rotations. */
export async function* readLog(path: string, { tail, until, signal }: ReadOptions): AsyncGenerator<Buffer> {
  using change = until ? new Change(path) : undefined;
  let over = until === undefined;
  void until?.finally(() => {
    over = true;
    change?.notify();
  });
  signal?.addEventListener("abort", () => change?.notify(), { once: true });

  const files = await openLog(path);
  const open = new Set(files);
  try {
    const start = tail >= 0 ? await findTail(files, tail) : { file: 0, offset: 0 };
    const [first, ...later] = files.slice(start.file);
    let reader = first && new LineReader(first, start.offset);
    for (;;) {
      // Looked at before reading: what is written after it shows up as a change.
      const last = over;
      const seen = change?.count;
      if (reader) yield* drain(reader, signal);
      if (signal?.aborted) return;
      const next = later.shift() ?? (await openNext(path, reader?.file));
      if (next) {
        // The old file got its last lines before it was renamed, maybe after the look at it above.
        if (reader) yield* drain(reader, signal);
        if (reader) await close(reader.file, open);
        open.add(next);
        reader = new LineReader(next, 0);
      } else if (last || seen === undefined) return;
      else await change?.after(seen);
    }
  } finally {
    await closeAll([...open]);
  }
}

async function* drain(reader: LineReader, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  await reader.rewindIfTruncated();
  for (let lines = await reader.next(); lines && !signal?.aborted; lines = await reader.next()) yield lines;
}

async function close(file: LogFile, open: Set<LogFile>): Promise<void> {
  open.delete(file);
  await file.close();
}
