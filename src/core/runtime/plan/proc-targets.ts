import { invalid } from "../errors.ts";

/** Files of /proc that say something about the machine, which tools like lxcfs replace by what is true of the container. */
const REPLACEABLE = new Set([
  "/proc/cpuinfo",
  "/proc/diskstats",
  "/proc/loadavg",
  "/proc/meminfo",
  "/proc/slabinfo",
  "/proc/stat",
  "/proc/swaps",
  "/proc/uptime",
  "/proc/sys/kernel/ns_last_pid",
  "/proc/sys/crypto/fips_enabled",
]);

/**
 * Refuses mounts that would let a container fake its own procfs: confinement is set through /proc/self/attr and the like
 * (runc's `checkProcMount`, CVE-2019-16884). Links that lead there are the executor's to find.
 */
export function checkProcTarget({ target, type, source }: { target: string; type: string; source: string }): void {
  if (target === "/proc") {
    if (type === "proc" || (type === "bind" && source === "/proc")) return;
    throw invalid(`"${target}" cannot be mounted because it is not of type proc`);
  }
  if (target.startsWith("/proc/") && !REPLACEABLE.has(target)) {
    throw invalid(`"${target}" cannot be mounted because it is inside /proc`);
  }
}
