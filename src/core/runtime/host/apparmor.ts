import type { HostReader } from "./reader.ts";

/** Profiles that containers may be put under when they name none, the one to prefer first: ours, and that of Docker's package. */
export const DEFAULT_PROFILES = ["tug-default", "docker-default"];

/** The best default profile that is loaded now; empty if none is. */
export function loadedAppArmorProfile(reader: HostReader): string {
  const loaded = (reader.readText("/sys/kernel/security/apparmor/profiles") ?? "").split("\n");
  return DEFAULT_PROFILES.find((name) => loaded.some((line) => line.startsWith(`${name} (`))) ?? "";
}

/**
 * The text of the default AppArmor profile, for `apparmor_parser -r`. It forbids what capabilities and namespaces do not
 * cover: mounts, and writing to the parts of /proc and /sys that belong to the machine (moby profiles/apparmor). It
 * includes no other file, so that it loads where AppArmor's own abstractions are not installed.
 */
export function defaultAppArmorProfile(): string {
  const [name] = DEFAULT_PROFILES;
  return `@{PROC}=/proc/

profile ${name} flags=(attach_disconnected,mediate_deleted) {
  network,
  capability,
  file,
  umount,
  unix,

  # The host may signal the container, and the container itself.
  signal (receive) peer=unconfined,
  # Distributions put these runtimes under profiles of their own, which name them and allow everything.
  signal (receive) peer=runc,
  signal (receive) peer=crun,
  signal (send,receive) peer=${name},

  # Files directly in /proc, and whatever is neither of a process nor of /proc/sys.
  deny @{PROC}* w,
  deny @{PROC}{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9/]*}/** w,
  # Of /proc/sys only kernel/shm*.
  deny @{PROC}sys/[^k]** w,
  deny @{PROC}sys/kernel/{?,??,[^s][^h][^m]**} w,
  deny @{PROC}sysrq-trigger rwklx,
  deny @{PROC}kcore rwklx,

  deny mount,

  # Of /sys only fs/cgroup.
  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/kernel/security/** rwklx,

  ptrace (trace,read,tracedby,readby) peer=${name},
}
`;
}
