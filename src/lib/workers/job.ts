/** Work that another thread can do: what it takes and gives can be cloned, and nothing else is shared with the caller. */
export interface Job<Input, Output> {
  /** Names it across threads; unique among those that a thread serves. */
  readonly name: string;
  readonly run: (input: Input, io: JobIo) => Promise<Output>;
}

export interface JobIo {
  /**
   * What the caller sends. A piece is the job's until it asks for the next one, or returns. Throws `canceled` once the caller has
   * given up.
   */
  readonly source: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  /**
   * To be told of buffers that were let go of, since the runtime hardly sees what they take, and lets them pile up: the thread collects
   * its garbage when that is some ten MiB.
   */
  readonly discarded: (bytes: number) => void;
  /** Whether this thread may wait for the disk: others wait for the main one. */
  readonly mayBlock: boolean;
}

export interface RunOptions {
  /** Sent as fast as the job takes it; returned (`return()`) when the job ends before it. */
  readonly source?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  /** A job of a millisecond or two, which is done here: a thread that has just started takes five times as long. */
  readonly isLight?: boolean;
}

/** Does jobs. How many at once, and where, is its own business: a job may wait for its source as long as it likes. */
export interface Workers extends AsyncDisposable {
  /**
   * @throws what the job threw, an EngineError as such; what the source threw; `canceled` once the signal is aborted, when the
   *   job has stopped; `internal` when the thread came to an end under it
   */
  run<Input, Output>(job: Job<Input, Output>, input: Input, options?: RunOptions): Promise<Output>;
}
