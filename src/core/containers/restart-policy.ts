import type { RestartPolicy } from "#api/engine";
import { refused } from "./errors.ts";

/** Docker's back-off: the first restart waits this long, each further one twice as long, at most a minute. */
const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 60_000;
/** A run of this length was a good one: the back-off starts anew. */
const GOOD_RUN_MS = 10_000;

/** @throws `invalid-parameter` */
export function validateRestartPolicy(policy: RestartPolicy, autoRemove: boolean): void {
  const { Name: name = "", MaximumRetryCount: retries = 0 } = policy;
  if (!["", "no", "always", "unless-stopped", "on-failure"].includes(name)) {
    throw refused(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if (name === "on-failure" && retries < 0) {
    throw refused("invalid restart policy: maximum retry count cannot be negative");
  }
  if (name !== "on-failure" && retries !== 0) {
    const negative = retries < 0 ? " and cannot be negative" : "";
    throw refused(`invalid restart policy: maximum retry count can only be used with 'on-failure'${negative}`);
  }
  if (autoRemove && name !== "" && name !== "no") {
    throw refused("can't create 'AutoRemove' container with restart policy");
  }
}

/** Whether a container that ended by itself is started again. */
export function wantsRestart(policy: RestartPolicy, end: { exitCode: number; restartCount: number }): boolean {
  switch (policy.Name) {
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure": {
      const limit = policy.MaximumRetryCount ?? 0;
      return end.exitCode !== 0 && (limit === 0 || end.restartCount < limit);
    }
    default:
      return false;
  }
}

/** Milliseconds until the next restart, from the delay before it (0: none yet) and how long the run lasted. */
export function nextDelayMs(previousDelayMs: number, runMs: number): number {
  if (previousDelayMs === 0 || runMs >= GOOD_RUN_MS) return FIRST_DELAY_MS;
  return Math.min(previousDelayMs * 2, LAST_DELAY_MS);
}
