interface Running<T, P> {
  readonly done: Promise<T>;
  readonly abort: AbortController;
  readonly callers: Set<Caller<P>>;
  last: P | undefined;
}

interface Caller<P> {
  readonly signal: AbortSignal;
  readonly report: (progress: P) => void;
}

/**
 * Work that several want at the same time is done once. Each caller hears of its progress, from where it stands when he comes; one
 * who leaves does not disturb the others, and with the last of them the work is aborted.
 */
export class SharedWork<T, P> {
  readonly #running = new Map<string, Running<T, P>>();

  /** Joins the work of that key, or starts it. @throws what the work throws, or the caller's own abort reason */
  async run(
    key: string,
    work: (report: (progress: P) => void, signal: AbortSignal) => Promise<T>,
    caller: Caller<P>,
  ): Promise<T> {
    caller.signal.throwIfAborted();
    const running = this.#running.get(key) ?? this.#start(key, work);
    running.callers.add(caller);
    if (running.last !== undefined) caller.report(running.last);
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(caller.signal.reason);
    caller.signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([running.done, left.promise]);
    } catch (error) {
      // The last one waits until nothing is under way any more.
      if (running.callers.size === 1) await this.#stop(key, running);
      throw error;
    } finally {
      caller.signal.removeEventListener("abort", leave);
      running.callers.delete(caller);
    }
  }

  has(key: string): boolean {
    return this.#running.has(key);
  }

  #start(key: string, work: (report: (progress: P) => void, signal: AbortSignal) => Promise<T>): Running<T, P> {
    const abort = new AbortController();
    const callers = new Set<Caller<P>>();
    const report = (progress: P) => {
      running.last = progress;
      for (const caller of callers) caller.report(progress);
    };
    const done = Promise.resolve().then(() => work(report, abort.signal));
    const running: Running<T, P> = { done, abort, callers, last: undefined };
    this.#running.set(key, running);
    const forget = () => void (this.#running.get(key) === running && this.#running.delete(key));
    done.then(forget, forget);
    return running;
  }

  /** Who comes from now on starts anew. */
  async #stop(key: string, running: Running<T, P>): Promise<void> {
    if (this.#running.get(key) === running) this.#running.delete(key);
    running.abort.abort();
    await running.done.catch(() => undefined);
  }
}
