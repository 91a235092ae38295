/** Time as a parameter: the time of day, and a call later on. */
export interface Clock {
  /** Nanoseconds since 1970. */
  nowNano(): bigint;
  /** Calls `callback` once after `delayMs`; the result cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** What a timer can wait at most; one that is given more is due at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Times that step back by more follow the machine's clock, which somebody has set; by less they wait for it. */
const SET_BACK_NANO = 1_000_000_000n;

/** The machine's own clock. Its timers do not keep the process alive. */
export function systemClock(): Clock {
  let base = 0n;
  let last = 0n;
  return {
    nowNano() {
      const ticks = process.hrtime.bigint();
      const millisecond = BigInt(Date.now()) * 1_000_000n;
      // The monotonic clock gives the digits below a millisecond. It runs at its own pace: where it leaves the time of day it
      // starts over from there, so that no time is before what another clock of this machine said before.
      let now = base + ticks;
      if (now < millisecond || now >= millisecond + 1_000_000n) {
        base = millisecond - ticks;
        now = millisecond;
      }
      const wasSetBack = last - now > SET_BACK_NANO;
      if (now <= last && !wasSetBack) now = last + 1n;
      last = now;
      return now;
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
