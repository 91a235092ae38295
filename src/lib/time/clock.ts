/** Time as a parameter: the time of day, and a call later on. */
export interface Clock {
  /** Nanoseconds since 1970. */
  nowNano(): bigint;
  /** Calls `callback` once after `delayMs`; the result cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** What a timer can wait at most; one that is given more is due at once. */
const LONGEST_MS = 2 ** 31 - 1;

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
      let cancel = () => {};
      const wait = (leftMs: number) => {
        const timer = setTimeout(
          leftMs > LONGEST_MS ? () => wait(leftMs - LONGEST_MS) : callback,
          Math.min(leftMs, LONGEST_MS),
        );
        timer.unref();
        cancel = () => clearTimeout(timer);
      };
      wait(delayMs);
      return () => cancel();
    },
  };
}
