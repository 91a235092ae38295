import type { Clock } from "#lib/time";
import type { GarbageCollector } from "./garbage.ts";

/** What is kept for a limited time goes at most so much later. */
const INTERVAL_MS = 3600 * 1000;

/** Has garbage collected every hour: some of it nobody makes, but time, and on a quiet machine nobody else asks. */
export function collectRegularly(
  collector: Pick<GarbageCollector, "request">,
  clock: Pick<Clock, "after">,
): Disposable {
  let cancel = () => {};
  const wait = () => {
    cancel = clock.after(INTERVAL_MS, () => {
      collector.request();
      wait();
    });
  };
  wait();
  return { [Symbol.dispose]: () => cancel() };
}
