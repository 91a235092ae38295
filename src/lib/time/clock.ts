/** Time as a parameter: the time of day, and a call later on. */
export interface Clock {
  /** Nanoseconds since 1970. */
  nowNano(): bigint;
  /** Calls `callback` once after `delayMs`; the result cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The machine's own clock. Its timers do not keep the process alive. */
export function systemClock(): Clock {
  const epochMs = Date.now();
  const epochTicks = process.hrtime.bigint();
  let base = BigInt(epochMs) * 1_000_000n - epochTicks;
  return {
    nowNano() {
      const fine = base + process.hrtime.bigint();
      const coarse = BigInt(Date.now()) * 1_000_000n;
      // The monotonic clock gives the digits below a millisecond; when the time of day was set, start over from it.
      const drift = fine - coarse;
      if (drift > -2_000_000n && drift < 2_000_000n) return fine;
      base = coarse - process.hrtime.bigint();
      return coarse;
    },
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}
