import { EngineError } from "#lib/errors";
import type { Progress } from "./image.ts";

export type Report = (progress: Progress) => void;

/**
 * Work that reports as it goes, as a stream of its reports; what the work throws comes after them. Of several reports
 * on the same thing a slow reader gets the last. A reader that leaves aborts the work and waits for its end.
 */
export async function* reporting(
  work: (report: Report, signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): AsyncGenerator<Progress> {
  const left = new AbortController();
  const inbox = new Inbox();
  const combined = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  const done = work((progress) => inbox.put(progress), combined).then(
    () => inbox.close(),
    (error) => inbox.close(combined.aborted ? canceled(error) : error),
  );
  try {
    yield* inbox.read();
  } finally {
    left.abort();
    await done;
  }
}

/** However long nobody reads, of amounts it holds no more than the last for each status of each thing. */
class Inbox {
  #waiting: Progress[] = [];
  /** Where in it an amount stands that a newer one replaces. */
  #places = new Map<string, number>();
  #end: { readonly error?: unknown } | undefined;
  #wake = Promise.withResolvers<void>();

  put(progress: Progress): void {
    const isAmount = progress.progressDetail?.current !== undefined;
    const key = isAmount ? `${progress.id} ${progress.status}` : undefined;
    const place = (key === undefined ? undefined : this.#places.get(key)) ?? this.#waiting.length;
    this.#waiting[place] = progress;
    if (key !== undefined) this.#places.set(key, place);
    this.#wake.resolve();
  }

  close(error?: unknown): void {
    this.#end = error === undefined ? {} : { error };
    this.#wake.resolve();
  }

  async *read(): AsyncGenerator<Progress> {
    for (;;) {
      const batch = this.#waiting;
      this.#waiting = [];
      this.#places.clear();
      yield* batch;
      if (this.#waiting.length > 0) continue;
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (this.#end) return;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers<void>();
    }
  }
}

function canceled(cause: unknown): EngineError {
  return new EngineError("canceled", "context canceled", { cause });
}
