/** Jobs that the tests of this module give to threads. */
import { EngineError } from "#lib/errors";
import type { Job } from "./job.ts";

/** Adds up the bytes of its source. */
export const sum: Job<{ start: number }, { total: number; pieces: number }> = {
  name: "sum",
  async run({ start }, { source }) {
    let total = start;
    let pieces = 0;
    for await (const piece of source) {
      pieces++;
      for (const byte of piece) total += byte;
    }
    return { total, pieces };
  },
};

export const fail: Job<"engine" | "bug", void> = {
  name: "fail",
  async run(how) {
    if (how === "bug") throw new TypeError("a bug");
    throw new EngineError("conflict", "it is taken", { data: { errno: "EEXIST" } });
  },
};

/** Reads one piece and then fails. */
export const refuse: Job<void, void> = {
  name: "refuse",
  async run(_, { source }) {
    for await (const _piece of source) throw new EngineError("invalid-parameter", "refused");
  },
};

/** Ends its thread. */
export const crash: Job<void, void> = {
  name: "crash",
  async run() {
    setTimeout(() => {
      throw new Error("out of line");
    }, 0);
    await new Promise(() => {});
  },
};

/** Ends only when it is cancelled, and says so. */
export const wait: Job<void, void> = {
  name: "wait",
  run: (_, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
};

/** Never takes anything of its source until it is cancelled. */
export const ignore: Job<void, string> = {
  name: "ignore",
  run: (_, { signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve("left"))),
};

/** Whether each piece of its source holds one number alone: buffers come again, but not too early. */
export const check: Job<void, boolean> = {
  name: "check",
  async run(_, { source }) {
    let isWhole = true;
    for await (const piece of source) {
      const first = piece[0];
      await new Promise((resolve) => setImmediate(resolve));
      isWhole &&= piece.every((byte) => byte === first);
    }
    return isWhole;
  },
};

export const TEST_JOBS = [check, sum, fail, refuse, crash, wait, ignore];
