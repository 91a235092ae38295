/** How long a change of speed takes to be believed. */
const SMOOTHING_MS = 2000;
/** Amounts that arrive closer together say more of their batching than of their speed. */
const LEAST_STEP_MS = 100;

/** The speed of something that grows, smoothed. */
export class Speedometer {
  #amount = 0;
  #atMs: number | undefined;
  #perSecond: number | undefined;

  add(amount: number, nowMs: number): void {
    if (this.#atMs === undefined || amount < this.#amount) {
      this.#amount = amount;
      this.#atMs = nowMs;
      this.#perSecond = undefined;
      return;
    }
    const elapsedMs = nowMs - this.#atMs;
    if (elapsedMs < LEAST_STEP_MS) return;
    const seen = ((amount - this.#amount) * 1000) / elapsedMs;
    const weight = 1 - Math.exp(-elapsedMs / SMOOTHING_MS);
    this.#perSecond = this.#perSecond === undefined ? seen : this.#perSecond + weight * (seen - this.#perSecond);
    this.#amount = amount;
    this.#atMs = nowMs;
  }

  /** Undefined until there is something to tell it from. */
  get perSecond(): number | undefined {
    return this.#perSecond;
  }
}
