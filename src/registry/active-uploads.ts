import { RegistryError } from "./errors.ts";

/**
 * One request at a time for each upload, and the newest one wins: a client that comes back after its connection broke need not wait
 * until we notice that the old one is dead.
 */
export class ActiveUploads {
  readonly #newest = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();

  /** Aborts what runs for this upload, waits for its end, then runs `body`, whose signal says when a newer request has come. */
  async run<T>(id: string, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const before = this.#newest.get(id);
    before?.abort.abort(new RegistryError("BLOB_UPLOAD_INVALID", "upload was continued by another request"));
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const turn = { abort: new AbortController(), done };
    this.#newest.set(id, turn);
    try {
      await before?.done;
      turn.abort.signal.throwIfAborted();
      return await body(turn.abort.signal);
    } finally {
      if (this.#newest.get(id) === turn) this.#newest.delete(id);
      resolve();
    }
  }

  isActive(id: string): boolean {
    return this.#newest.has(id);
  }
}
