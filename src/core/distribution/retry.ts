import type { EngineError } from "#lib/errors";
import type { Clock } from "#lib/time";
import { canceled, isTemporary, retryAfterOf, throwIfCanceled } from "./errors.ts";

/** How failures that pass are met. */
export interface Patience {
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** How often something is tried in all. */
  readonly attempts: () => number;
}

/** The first pause; each further one is twice as long, up to the longest. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 20_000;
/** A registry that wants to be left alone for longer is not waited for: a person would think that nothing happens. */
const RETRY_AFTER_LIMIT_MS = 60_000;

/** Does it until it works, fails for good, or has been tried often enough. @throws `canceled`, and the last failure */
export async function patiently<T>(patience: Patience, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      await pauseAfter(error, { failures, patience, signal });
    }
  }
}

/** Waits before the next try. @throws the failure itself when another try makes no sense; `canceled` */
export async function pauseAfter(
  error: unknown,
  { failures, patience, signal }: { failures: number; patience: Patience; signal: AbortSignal },
): Promise<void> {
  if (!isTemporary(error) || failures >= patience.attempts()) throw error;
  const delayMs = delayAfter(error, failures, patience.random());
  if (delayMs === undefined) throw error;
  await sleep(patience.clock, delayMs, signal);
}

/** Undefined when the registry wants more patience than there is. `chance` spreads clients that failed together. */
export function delayAfter(error: EngineError, failures: number, chance: number): number | undefined {
  const asked = retryAfterOf(error);
  if (asked > RETRY_AFTER_LIMIT_MS) return undefined;
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  return Math.max(asked, Math.round(longest * (0.5 + chance / 2)));
}

function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  throwIfCanceled(signal);
  return new Promise((resolve, reject) => {
    const leave = () => {
      cancel();
      reject(canceled());
    };
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener("abort", leave);
      resolve();
    });
    signal.addEventListener("abort", leave, { once: true });
  });
}
