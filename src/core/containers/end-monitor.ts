import type { Monitor } from "#executor";
import { SIGKILL } from "./kill.ts";

/** Kills what a monitor holds. It is over only when the monitor is: then cgroup, endpoint and files are no longer in use. */
export async function endMonitor(monitor: Monitor): Promise<void> {
  await monitor.signal(SIGKILL).catch(() => undefined);
  await monitor.exited.catch(() => undefined);
  monitor.close();
}
