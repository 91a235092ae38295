import type { Clock } from "#lib/time";

/** Time that only a test moves; what is due then happens, in its order. */
export class TestClock implements Clock {
  #nano: bigint;
  #timers: { readonly atNano: bigint; readonly callback: () => void }[] = [];

  constructor(start = new Date("2027-01-15T08:00:00Z")) {
    this.#nano = BigInt(start.getTime()) * 1_000_000n;
  }

  nowNano(): bigint {
    return this.#nano;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atNano: this.#nano + BigInt(Math.round(delayMs * 1e6)), callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** How long until the next timer, in milliseconds; undefined when there is none. */
  get nextMs(): number | undefined {
    const [first] = this.#timers.toSorted((a, b) => Number(a.atNano - b.atNano));
    return first && Number(first.atNano - this.#nano) / 1e6;
  }

  advance(ms: number): void {
    this.#nano += BigInt(Math.round(ms * 1e6));
    const due = this.#timers.filter(({ atNano }) => atNano <= this.#nano).sort((a, b) => Number(a.atNano - b.atNano));
    this.#timers = this.#timers.filter(({ atNano }) => atNano > this.#nano);
    for (const { callback } of due) callback();
  }
}
