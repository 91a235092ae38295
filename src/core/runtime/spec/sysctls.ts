import { invalid } from "../errors.ts";
import { NETWORK_SYSCTLS } from "./defaults.ts";
import type { NamespaceModes } from "./modes.ts";

/** Kernel parameters of the IPC namespace, besides `fs.mqueue.*`. */
const IPC_SYSCTLS = new Set([
  "kernel.auto_msgmni",
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
]);

/**
 * The sysctls of a container: the defaults of a private network, the domain name, and the user's own.
 *
 * @throws `invalid-parameter` for one that would change the host, in runc's words
 */
export function buildSysctls(
  own: Readonly<Record<string, string>>,
  { modes, domainname }: { modes: NamespaceModes; domainname: string },
): Record<string, string> {
  const defaults = modes.network === "private" ? NETWORK_SYSCTLS : {};
  const sysctls = Object.entries(own).map(([key, value]) => {
    const name = dotted(key);
    checkSysctl(name, key, modes);
    return [name, value] as const;
  });
  return { ...defaults, ...(domainname ? { "kernel.domainname": domainname } : {}), ...Object.fromEntries(sysctls) };
}

/** `net/ipv4/conf/eth0.1/x` is another spelling of `net.ipv4.conf.eth0/1.x` (sysctl.d(5)): whichever separator comes first separates. */
function dotted(key: string): string {
  return /^[^./]*\//.test(key) ? key.replace(/[./]/g, (found) => (found === "/" ? "." : "/")) : key;
}

/** The path below /proc/sys of a dotted name. */
export function sysctlPath(name: string): string {
  const path = dotted(name).replace(/[./]/g, (found) => (found === "." ? "/" : "."));
  if (path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw invalid(`sysctl ${JSON.stringify(name)} is not a valid name`);
  }
  return path;
}

function checkSysctl(name: string, asked: string, modes: NamespaceModes): void {
  const quoted = JSON.stringify(asked);
  sysctlPath(name);
  if (IPC_SYSCTLS.has(name) || name.startsWith("fs.mqueue.")) {
    if (modes.ipc === "host") throw invalid(`sysctl ${quoted} is not allowed in the hosts ipc namespace`);
  } else if (name.startsWith("net.")) {
    if (modes.network === "host") throw invalid(`sysctl ${quoted} not allowed in host network namespace`);
  } else if (name === "kernel.hostname") {
    throw invalid(`sysctl ${quoted} is not allowed as it conflicts with the OCI "hostname" field`);
  } else if (name !== "kernel.domainname" || modes.uts === "host") {
    throw invalid(`sysctl ${quoted} is not in a separate kernel namespace`);
  }
}
