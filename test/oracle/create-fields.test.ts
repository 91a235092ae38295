/**
 * The fields of create that `create.test.ts` leaves out: links, networks, limits that a kernel lacks, devices by request, options
 * that name other containers. Taken or refused alike, in the same words, with the same inspect, and the same inside.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { same, sameAnswer, sameCommand } from "./_compare.ts";
import { withSameWords } from "./_differences.ts";
import { type Engine, Engines } from "./_engines.ts";
import { normaliseText } from "./_normalise.ts";

let engines: Engines;
beforeAll(async () => {
  engines = await Engines.start();
  await engines.both(async (engine) => {
    const run = async (name: string, ...flags: string[]) => {
      const { code, stderr } = await engine.docker(["run", "-d", "--name", name, ...flags, "IMAGE", "sleep", "600"]);
      if (code !== 0) throw new Error(`${engine.which}: ${stderr}`);
    };
    await run("P-db", "-e", "USER=me", "--expose", "80-83", "--expose", "53/udp", "--ipc", "shareable", "-v", "/vol");
    await run("P-onhost", "--network", "host");
    await engine.docker(["create", "--name", "P-idle", "IMAGE", "true"]);
  });
});
afterAll(() => engines?.[Symbol.asyncDispose]());

/** What the engine says at create or, where it notices only then, at start. */
async function outcome(engine: Engine, body: object): Promise<unknown> {
  await engine.send("DELETE", "/v1.51/containers/P-x?force=1&v=1");
  const created = await engine.send("POST", "/v1.51/containers/create?name=P-x", {
    Image: "IMAGE",
    Cmd: ["true"],
    ...body,
  });
  const last = created.status === 201 ? await engine.send("POST", "/v1.51/containers/P-x/start") : created;
  if (last.status >= 400) return withSameWords(normaliseText(engine, JSON.parse(last.body).message));
  return { warnings: JSON.parse(created.body).Warnings };
}

function host(HostConfig: object): object {
  return { HostConfig };
}

function bridge(settings: object): object {
  return { NetworkingConfig: { EndpointsConfig: { bridge: settings } } };
}

const SYSCTLS = "com.docker.network.endpoint.sysctls";

const BODIES: readonly object[] = [
  host({ Links: [""] }),
  host({ Links: ["a:b:c"] }),
  host({ Links: ["nosuch:x"] }),
  host({ Links: [":x"] }),
  host({ Links: ["P-idle:x"] }),
  host({ Links: ["P-onhost:x"] }),
  host({ Links: ["P-db:x"], NetworkMode: "host" }),
  host({ Links: ["P-db:x"], NetworkMode: "container:P-db" }),
  host({ Links: ["P-db:x"], NetworkMode: "none" }),
  host({ Links: ["P-db:"] }),
  host({ NetworkMode: "container:nosuch" }),
  host({ NetworkMode: "nosuch" }),
  host({ IpcMode: "container:P-onhost" }),
  host({ UTSMode: "container:x" }),
  { Hostname: "x", ...host({ UTSMode: "host" }) },
  { Domainname: "x", ...host({ UTSMode: "host" }) },
  { MacAddress: "02:42:ac:11:00:99" },
  { MacAddress: "02:42:ac:11:00:99", ...host({ NetworkMode: "host" }) },
  { MacAddress: "02:42:ac:11:00:99", ...bridge({ MacAddress: "02:42:ac:11:00:98" }) },
  bridge({ MacAddress: "02:42:ac:11:00:97" }),
  bridge({ IPAMConfig: { IPv6Address: "x" } }),
  bridge({ IPAMConfig: { LinkLocalIPs: ["x"] } }),
  bridge({ IPAMConfig: { LinkLocalIPs: ["169.254.1.1"] } }),
  bridge({ DriverOpts: { a: "b" }, GwPriority: 5 }),
  bridge({ DriverOpts: { [SYSCTLS]: "net.ipv4.conf.eth0.log_martians=1" } }),
  bridge({ DriverOpts: { [SYSCTLS]: "x" } }),
  { NetworkingConfig: { EndpointsConfig: { nosuch: {} } } },
  { NetworkingConfig: { EndpointsConfig: { bridge: {}, host: {} } } },
  { NetworkingConfig: { EndpointsConfig: { none: {}, bridge: {} } }, ...host({ NetworkMode: "none" }) },
  { NetworkingConfig: { EndpointsConfig: { host: { Aliases: ["x"] } } }, ...host({ NetworkMode: "host" }) },
  host({ IOMaximumIOps: 5 }),
  host({ IOMaximumBandwidth: 5 }),
  host({ CpuCount: 2, CpuPercent: 20 }),
  host({ KernelMemory: 10_000_000 }),
  host({ BlkioWeight: 300 }),
  host({ BlkioWeight: 5 }),
  host({ BlkioWeightDevice: [{ Path: "/dev/nosuch", Weight: 300 }] }),
  host({ MemorySwap: -2 }),
  host({ MemorySwappiness: -1 }),
  host({ OomKillDisable: true }),
  host({ CpuRealtimePeriod: 100, CpuRealtimeRuntime: 1000 }),
  host({ StorageOpt: { size: "10G" } }),
  host({ StorageOpt: { nope: "x" } }),
  host({ SecurityOpt: ["label=level:s0"] }),
  host({ SecurityOpt: ["label=x"] }),
  host({ SecurityOpt: ["writable-cgroups=x"] }),
  host({ SecurityOpt: ["writable-cgroups"] }),
  host({ SecurityOpt: ["systempaths=x"] }),
  host({ DeviceRequests: [{ Driver: "cdi", DeviceIDs: ["vendor.com/device=x", "y"] }] }),
  host({ DeviceRequests: [{ Driver: "cdi", DeviceIDs: [] }] }),
  host({ DeviceRequests: [{ Driver: "cdi", Count: 1, DeviceIDs: ["vendor.com/device=x"] }] }),
  host({ DeviceRequests: [{ Driver: "cdi", Options: { a: "b" }, DeviceIDs: ["vendor.com/device=x"] }] }),
  host({ DeviceRequests: [{ Count: -1, Capabilities: [["gpu"]] }] }),
  host({ ExtraHosts: ["a:[::1]"] }),
  host({ ExtraHosts: ["a:host-gateway"], NetworkMode: "none" }),
  host({ Isolation: "process" }),
  host({ Mounts: [{ Type: "bind", Source: "/tmp", Target: "/x", ImageOptions: {} }] }),
  host({ Mounts: [{ Type: "image", Source: "IMAGE", Target: "/x" }] }),
  host({ Mounts: [{ Type: "image", Source: "nosuch", Target: "/x" }] }),
  host({ Mounts: [{ Type: "image", Source: "", Target: "/x" }] }),
  host({ Mounts: [{ Type: "image", Source: "IMAGE", Target: "/x", ImageOptions: { Subpath: "../x" } }] }),
  host({ Mounts: [{ Type: "image", Source: "IMAGE", Target: "/x", ImageOptions: { Subpath: "/bin" } }] }),
  host({ Mounts: [{ Type: "image", Source: "IMAGE", Target: "/x", BindOptions: {} }] }),
  host({ Mounts: [{ Type: "cluster", Source: "x", Target: "/x" }] }),
];

test.each(BODIES.map((body) => [JSON.stringify(body), body] as const))("comes to the same: %s", async (_, body) => {
  same(await engines.both((engine) => outcome(engine, body)));
});

/** What inspect makes of it, before a start. */
const KEPT: readonly object[] = [
  host({ Links: ["P-db:x", "P-db", "/P-db:/P-other/y", "P-db:"] }),
  host({ NetworkMode: "container:P-db", PidMode: "container:P-db", IpcMode: "container:P-db" }),
  { MacAddress: "02:42:ac:11:00:99" },
  { MacAddress: "02:42:ac:11:00:99", ...host({ NetworkMode: "host" }) },
  { MacAddress: "02:42:ac:11:00:99", ...host({ NetworkMode: "none" }) },
  bridge({ MacAddress: "02:42:ac:11:00:99" }),
  { NetworkingConfig: { EndpointsConfig: { default: { GwPriority: 3 } } } },
  { NetworkingConfig: { EndpointsConfig: { nosuch: {} } } },
  host({ BlkioWeight: 300, BlkioWeightDevice: [{ Path: "/dev/vda", Weight: 300 }] }),
  host({ CpuCount: 2, CpuPercent: 20 }),
  host({ MemorySwappiness: -1, MemorySwap: -2 }),
  host({ KernelMemoryTCP: 10_000_000 }),
  host({ ConsoleSize: [1, 2, 3] }),
  host({ Privileged: true, MaskedPaths: ["/etc"], ReadonlyPaths: ["/tmp"] }),
  host({ Privileged: true, SecurityOpt: ["no-new-privileges"] }),
  host({ PidMode: "host", SecurityOpt: ["label=type:x"] }),
  host({ SecurityOpt: ["writable-cgroups=true"] }),
  host({ DeviceRequests: [{ Driver: "cdi", DeviceIDs: [] }] }),
];

test.each(KEPT.map((body) => [JSON.stringify(body), body] as const))("is kept alike: %s", async (_, body) => {
  await engines.both((engine) => engine.send("DELETE", "/v1.51/containers/P-x?force=1&v=1"));
  await sameAnswer(engines, "POST", "/v1.51/containers/create?name=P-x", { Image: "IMAGE", ...body });
  await sameAnswer(engines, "GET", "/v1.51/containers/P-x/json");
});

const V1 = "/sys/fs/cgroup";
const ROWS: readonly (readonly [about: string, flags: readonly string[], script: string])[] = [
  ["a link", ["--link", "P-db:store"], "cat /etc/hosts; env | sort"],
  ["links", ["--link", "P-db", "--link", "P-db:my-store"], "cat /etc/hosts; env | sort"],
  ["a link and a variable of its name", ["--link", "P-db:x", "-e", "X_NAME=mine"], "env | grep X_NAME"],
  ["a link beside another network", ["--link", "P-db:x", "--network", "none"], "cat /etc/hosts; env | sort"],
  ["a shared process namespace", ["--pid", "container:P-db"], "ps -o comm | grep -c sleep"],
  ["a shared IPC namespace", ["--ipc", "container:P-db"], "df -k /dev/shm | awk '{print $2, $6}'"],
  ["no IPC namespace to share", ["--ipc", "none"], "ls /dev"],
  ["a shared network namespace", ["--network", "container:P-db"], "cat /etc/hosts /etc/hostname; hostname"],
  ["inherited volumes", ["--volumes-from", "P-db:ro"], "touch /vol/x; grep -c ' /vol ' /proc/mounts"],
  ["a MAC address", ["--mac-address", "02:42:ac:11:00:96"], "cat /sys/class/net/eth0/address"],
  [
    "an interface's name and sysctls",
    [
      "--network",
      "name=bridge,driver-opt=com.docker.network.endpoint.ifname=lan0,driver-opt=" +
        "com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1",
    ],
    "ls /sys/class/net; cat /proc/sys/net/ipv4/conf/lan0/log_martians",
  ],
  ["the gateway's name", ["--add-host", "gw=host-gateway", "--network", "none"], "cat /etc/hosts"],
  [
    "a reservation and swappiness",
    ["--memory-reservation", "10m", "--memory-swappiness", "10"],
    `cat ${V1}/memory/memory.soft_limit_in_bytes ${V1}/memory/memory.swappiness`,
  ],
  ["no OOM killer", ["--oom-kill-disable", "-m", "64m"], `head -1 ${V1}/memory/memory.oom_control`],
  ["an OOM score", ["--oom-score-adj", "300"], "cat /proc/self/oom_score_adj"],
  ["a limit on processes", ["--pids-limit", "33"], `cat ${V1}/pids/pids.max`],
  [
    "CPU limits",
    ["--cpu-period", "50000", "--cpu-quota", "25000", "-c", "512", "--cpuset-cpus", "0"],
    `cat ${V1}/cpu/cpu.cfs_period_us ${V1}/cpu/cpu.cfs_quota_us ${V1}/cpu/cpu.shares ${V1}/cpuset/cpuset.cpus`,
  ],
  [
    "a throttle",
    ["--device-read-bps", "/dev/vda:1mb", "--device-write-iops", "/dev/vda:100"],
    `cat ${V1}/blkio/blkio.throttle.read_bps_device ${V1}/blkio/blkio.throttle.write_iops_device`,
  ],
  ["rules of devices", ["--device-cgroup-rule", "c 10:229 rwm"], `sort ${V1}/devices/devices.list`],
  [
    "a cgroup parent",
    ["--cgroup-parent", "/P-parent/a"],
    "cut -d: -f2- /proc/self/cgroup | sort | sed 's,/[0-9a-f]*$,,'",
  ],
  ["a cgroup namespace", ["--cgroupns", "private"], "cat /proc/self/cgroup"],
  ["writable cgroups", ["--security-opt", "writable-cgroups=true"], "grep -c 'cgroup cgroup ro,' /proc/mounts"],
  ["system paths", ["--security-opt", "systempaths=unconfined"], "grep -c ' /proc/' /proc/self/mountinfo"],
  ["a plain bind", ["--mount", "type=bind,src=/sys,dst=/x,bind-recursive=disabled"], "grep -c ' /x' /proc/mounts"],
  [
    "a read-only tree",
    ["--mount", "type=bind,src=/sys,dst=/x,ro,bind-recursive=readonly,bind-propagation=rprivate"],
    "grep ' /x' /proc/mounts | grep -vc ' ro[, ]'",
  ],
  [
    "a read-only bind above writable ones",
    ["--mount", "type=bind,src=/sys,dst=/x,ro,bind-recursive=writable"],
    "grep ' /x' /proc/mounts | grep -c ' ro[, ]'",
  ],
  [
    "a sized tmpfs",
    ["--mount", "type=tmpfs,dst=/x,tmpfs-size=64k,tmpfs-mode=700"],
    "grep ' /x ' /proc/mounts; stat -c %a /x",
  ],
  ["tmpfs options", ["--tmpfs", "/x:exec,uid=5,mode=1770,size=64k"], "grep ' /x ' /proc/mounts; stat -c '%a %u' /x"],
  [
    "an image",
    ["--mount", "type=image,src=IMAGE,dst=/x"],
    "ls /x | grep -v -e mtab; touch /x/new; grep -c ' /x .* ro[, ]' /proc/mounts",
  ],
  ["a folder of an image", ["--mount", "type=image,src=IMAGE,dst=/x,image-subpath=etc"], "ls /x; cat /x/passwd"],
  ["a file of an image", ["--mount", "type=image,src=IMAGE,dst=/x,image-subpath=etc/group"], "cat /x"],
  ["a GPU", ["--gpus", "all"], "true"],
];

test.each(ROWS)("%s", async (_about, flags, script) => {
  await sameCommand(engines, ["run", "--rm", "--name", "P-run", ...flags, "IMAGE", "sh", "-c", script]);
});

test("links are names, in lists, inspect and rm --link", async () => {
  await sameCommand(engines, [
    "create",
    "-q",
    "--name",
    "P-web",
    "--link",
    "P-db:store",
    "--link",
    "P-db:x",
    "IMAGE",
    "true",
  ]);
  await sameCommand(engines, ["ps", "-a", "--no-trunc", "--filter", "name=P-db", "--format", "{{.Names}}"]);
  await sameCommand(engines, ["ps", "-aq", "--filter", "name=P-web/store"]);
  await sameCommand(engines, ["inspect", "-f", "{{.Name}}", "P-web/store"]);
  for (const name of ["P-web", "P-nosuch/x", "P-web/nosuch", "P-web/store", "P-web/store"]) {
    await sameCommand(engines, ["rm", "--link", name]);
  }
  await sameCommand(engines, ["rename", "P-web", "P-site"]);
  await sameCommand(engines, ["inspect", "-f", "{{.HostConfig.Links}}", "P-site"]);
});

test("a linked container that starts again is found at its new address", async () => {
  const { code } = await engines.tug.docker(["run", "-d", "--name", "P-moving", "IMAGE", "sleep", "600"]);
  expect(code).toBe(0);
  await engines.tug.docker(["run", "-d", "--name", "P-client", "--link", "P-moving:m", "IMAGE", "sleep", "600"]);
  await engines.tug.docker(["stop", "-t", "0", "P-moving"]);
  // Takes the address that is free now.
  await engines.tug.docker(["run", "-d", "--name", "P-squatter", "IMAGE", "sleep", "600"]);
  await engines.tug.docker(["start", "P-moving"]);
  const address = await engines.tug.docker(["inspect", "-f", "{{.NetworkSettings.IPAddress}}", "P-moving"]);
  const hosts = await engines.tug.docker(["exec", "P-client", "grep", "m ", "/etc/hosts"]);
  expect(hosts.stdout).toStartWith(`${address.stdout.trim()}\tm `);
});
