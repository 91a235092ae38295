import type { Clock } from "#lib/time";

/** Calls back once when nothing has happened for so long. To be stopped when it is over. */
export class StallWatch {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onStall: () => void;
  #cancel: () => void = () => {};
  #hasMoved = false;
  #isHeld = false;
  #isStalled = false;

  constructor(clock: Clock, limitMs: number, onStall: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onStall = onStall;
    this.#arm();
  }

  get isStalled(): boolean {
    return this.#isStalled;
  }

  get limitMs(): number {
    return this.#limitMs;
  }

  /** Something happened. It costs nothing: the timer looks at it when it is due, so that a stall is seen within twice the limit. */
  touch(): void {
    this.#hasMoved = true;
    this.#isHeld = false;
  }

  /** Nothing has to happen until the next `touch`: it is our turn. */
  hold(): void {
    this.#isHeld = true;
  }

  stop(): void {
    this.#cancel();
  }

  #arm(): void {
    this.#hasMoved = false;
    this.#cancel = this.#clock.after(this.#limitMs, () => {
      if (this.#hasMoved || this.#isHeld) {
        this.#arm();
        return;
      }
      this.#isStalled = true;
      this.#onStall();
    });
  }
}
