/** The flags by which `run`, `create` and `plan` describe a container. */
import type { DeviceRequest, Mount } from "#api/engine";
import { bool, type FlagValues, int, list, listOf, string, uint16, value } from "../flags/flag.ts";
import { parseCpus } from "../values/cpus.ts";
import { parseNanoseconds } from "../values/durations.ts";
import { parseBytes } from "../values/sizes.ts";
import {
  checkAddHost,
  checkDnsSearch,
  checkEnv,
  checkIp,
  checkLabel,
  checkLink,
  checkStreamName,
  checkSysctl,
} from "./checks.ts";
import { checkDeviceCgroupRule, parseBlkioWeight, parseDeviceRate } from "./devices.ts";
import { parseGpus } from "./gpus.ts";
import { parseMount } from "./mounts.ts";
import { parseNetwork } from "./networks.ts";
import { parseUlimit } from "./ulimits.ts";

const duration = (help: string) => value({ type: "duration", shownDefault: "0s", parseOne: parseNanoseconds, help });
const bytes = (help: string, short?: string) =>
  value({ type: "bytes", parseOne: parseBytes, help, ...(short === undefined ? {} : { short }) });
const hiddenBytes = (help: string) => value({ type: "bytes", hidden: true, parseOne: parseBytes, help });
const rates = (unit: "bytes" | "operations", help: string) =>
  listOf({ type: "list", shownDefault: "[]", parseOne: (text: string) => parseDeviceRate(text, unit), help });

export const createFlags = {
  "add-host": list({ check: checkAddHost, help: "Add a custom host-to-IP mapping (host:ip)" }),
  annotation: list({
    type: "map",
    shownDefault: "map[]",
    help: "Add an annotation to the container (passed through to the OCI runtime)",
  }),
  attach: list({ short: "a", check: checkStreamName, help: "Attach to STDIN, STDOUT or STDERR" }),
  "blkio-weight": uint16({ help: "Block IO (relative weight), between 10 and 1000, or 0 to disable" }),
  "blkio-weight-device": listOf({
    type: "list",
    shownDefault: "[]",
    parseOne: parseBlkioWeight,
    help: "Block IO weight (relative device weight)",
  }),
  "cap-add": list({ help: "Add Linux capabilities" }),
  "cap-drop": list({ help: "Drop Linux capabilities" }),
  "cgroup-parent": string({ help: "Optional parent cgroup for the container" }),
  cgroupns: string({
    help: `Cgroup namespace to use (host|private)
'host':    Run the container in the host's cgroup namespace
'private': Run the container in its own private cgroup namespace
'':        Use the cgroup namespace as configured by the
           default-cgroupns-mode option on the daemon (default)`,
  }),
  cidfile: string({ help: "Write the container ID to the file" }),
  "cpu-count": int({ hidden: true, help: "CPU count (Windows only)" }),
  "cpu-percent": int({ hidden: true, help: "CPU percent (Windows only)" }),
  "cpu-period": int({ help: "Limit CPU CFS (Completely Fair Scheduler) period" }),
  "cpu-quota": int({ help: "Limit CPU CFS (Completely Fair Scheduler) quota" }),
  "cpu-rt-period": int({ help: "Limit CPU real-time period in microseconds" }),
  "cpu-rt-runtime": int({ help: "Limit CPU real-time runtime in microseconds" }),
  "cpu-shares": int({ short: "c", help: "CPU shares (relative weight)" }),
  cpus: value({ type: "decimal", parseOne: parseCpus, help: "Number of CPUs" }),
  "cpuset-cpus": string({ help: "CPUs in which to allow execution (0-3, 0,1)" }),
  "cpuset-mems": string({ help: "MEMs in which to allow execution (0-3, 0,1)" }),
  device: list({ help: "Add a host device to the container" }),
  "device-cgroup-rule": list({ check: checkDeviceCgroupRule, help: "Add a rule to the cgroup allowed devices list" }),
  "device-read-bps": rates("bytes", "Limit read rate (bytes per second) from a device"),
  "device-read-iops": rates("operations", "Limit read rate (IO per second) from a device"),
  "device-write-bps": rates("bytes", "Limit write rate (bytes per second) to a device"),
  "device-write-iops": rates("operations", "Limit write rate (IO per second) to a device"),
  dns: list({ check: checkIp, help: "Set custom DNS servers" }),
  "dns-opt": list({ hidden: true, help: "Set DNS options" }),
  "dns-option": list({ help: "Set DNS options" }),
  "dns-search": list({ check: checkDnsSearch, help: "Set custom DNS search domains" }),
  domainname: string({ help: "Container NIS domain name" }),
  entrypoint: string({ help: "Overwrite the default ENTRYPOINT of the image" }),
  env: list({ short: "e", check: checkEnv, help: "Set environment variables" }),
  "env-file": list({ help: "Read in a file of environment variables" }),
  expose: list({ help: "Expose a port or a range of ports" }),
  gpus: value<DeviceRequest>({
    type: "gpu-request",
    parseOne: parseGpus,
    help: "GPU devices to add to the container ('all' to pass all GPUs)",
  }),
  "group-add": list({ help: "Add additional groups to join" }),
  "health-cmd": string({ help: "Command to run to check health" }),
  "health-interval": duration("Time between running the check (ms|s|m|h)"),
  "health-retries": int({ help: "Consecutive failures needed to report unhealthy" }),
  "health-start-interval": duration("Time between running the check during the start period (ms|s|m|h)"),
  "health-start-period": duration(
    "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h)",
  ),
  "health-timeout": duration("Maximum time to allow one check to run (ms|s|m|h)"),
  help: bool({ help: "Print usage" }),
  hostname: string({ short: "h", help: "Container host name" }),
  init: bool({ help: "Run an init inside the container that forwards signals and reaps processes" }),
  interactive: bool({ short: "i", help: "Keep STDIN open even if not attached" }),
  "io-maxbandwidth": hiddenBytes("Maximum IO bandwidth limit for the system drive (Windows only)"),
  "io-maxiops": int({ hidden: true, help: "Maximum IOps limit for the system drive (Windows only)" }),
  ip: string({ help: "IPv4 address (e.g., 172.30.100.104)" }),
  ip6: string({ help: "IPv6 address (e.g., 2001:db8::33)" }),
  ipc: string({ help: "IPC mode to use" }),
  isolation: string({ help: "Container isolation technology" }),
  "kernel-memory": bytes("Kernel memory limit"),
  label: list({ short: "l", check: checkLabel, help: "Set meta data on a container" }),
  "label-file": list({ help: "Read in a line delimited file of labels" }),
  link: list({ check: checkLink, help: "Add link to another container" }),
  "link-local-ip": list({ help: "Container IPv4/IPv6 link-local addresses" }),
  "log-driver": string({ help: "Logging driver for the container" }),
  "log-opt": list({ help: "Log driver options" }),
  "mac-address": string({ help: "Container MAC address (e.g., 92:d0:c6:0a:29:33)" }),
  memory: bytes("Memory limit", "m"),
  "memory-reservation": bytes("Memory soft limit"),
  "memory-swap": value({
    type: "bytes",
    parseOne: (text: string) => (text === "-1" ? -1 : parseBytes(text)),
    help: "Swap limit equal to memory plus swap: '-1' to enable unlimited swap",
  }),
  "memory-swappiness": int({ default: -1, help: "Tune container memory swappiness (0 to 100)" }),
  mount: listOf<Mount>({ type: "mount", parseOne: parseMount, help: "Attach a filesystem mount to the container" }),
  name: string({ help: "Assign a name to the container" }),
  net: listOf({ type: "network", hidden: true, parseOne: parseNetwork, help: "Connect a container to a network" }),
  "net-alias": list({ hidden: true, help: "Add network-scoped alias for the container" }),
  network: listOf({ type: "network", parseOne: parseNetwork, help: "Connect a container to a network" }),
  "network-alias": list({ help: "Add network-scoped alias for the container" }),
  "no-healthcheck": bool({ help: "Disable any container-specified HEALTHCHECK" }),
  "oom-kill-disable": bool({ help: "Disable OOM Killer" }),
  "oom-score-adj": int({ help: "Tune host's OOM preferences (-1000 to 1000)" }),
  pid: string({ help: "PID namespace to use" }),
  "pids-limit": int({ help: "Tune container pids limit (set -1 for unlimited)" }),
  platform: string({ help: "Set platform if server is multi-platform capable" }),
  privileged: bool({ help: "Give extended privileges to this container" }),
  publish: list({ short: "p", help: "Publish a container's port(s) to the host" }),
  "publish-all": bool({ short: "P", help: "Publish all exposed ports to random ports" }),
  "read-only": bool({ help: "Mount the container's root filesystem as read only" }),
  restart: string({ default: "no", help: "Restart policy to apply when a container exits" }),
  rm: bool({
    help: "Automatically remove the container and its associated anonymous volumes when it exits",
  }),
  runtime: string({ help: "Runtime to use for this container" }),
  "security-opt": list({ help: "Security Options" }),
  "shm-size": bytes("Size of /dev/shm"),
  "stop-signal": string({ help: "Signal to stop the container" }),
  "stop-timeout": int({ help: "Timeout (in seconds) to stop a container" }),
  "storage-opt": list({ help: "Storage driver options for the container" }),
  sysctl: list({ type: "map", shownDefault: "map[]", check: checkSysctl, help: "Sysctl options" }),
  tmpfs: list({ help: "Mount a tmpfs directory" }),
  tty: bool({ short: "t", help: "Allocate a pseudo-TTY" }),
  ulimit: listOf({ type: "ulimit", shownDefault: "[]", parseOne: parseUlimit, help: "Ulimit options" }),
  "use-api-socket": bool({ help: "Bind mount the engine's API socket" }),
  user: string({ short: "u", help: "Username or UID (format: <name|uid>[:<group|gid>])" }),
  userns: string({ help: "User namespace to use" }),
  uts: string({ help: "UTS namespace to use" }),
  volume: list({ short: "v", help: "Bind mount a volume" }),
  "volume-driver": string({ help: "Optional volume driver for the container" }),
  "volumes-from": list({ help: "Mount volumes from the specified container(s)" }),
  workdir: string({ short: "w", help: "Working directory inside the container" }),
};

export type CreateFlags = FlagValues<typeof createFlags>;

/** Flags of how `run` and `create` get the image, beside those that describe the container. */
export const imageFlags = {
  "disable-content-trust": bool({ default: true, help: "Skip image verification" }),
  pull: string({ default: "missing", help: 'Pull image before running ("always", "missing", "never")' }),
  quiet: bool({ short: "q", help: "Suppress the pull output" }),
};
