/** Every option of a create request: what is refused and in which words, and what inspect makes of what is not. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { same, sameAnswer } from "./_compare.ts";
import { withSameWords } from "./_differences.ts";
import { type Engine, Engines } from "./_engines.ts";
import { normaliseText } from "./_normalise.ts";

let engines: Engines;
beforeAll(async () => {
  engines = await Engines.start();
});
afterEach(() => engines.clean());
afterAll(() => engines?.[Symbol.asyncDispose]());

/**
 * What the engine says to a wish that cannot be: at create or, where it notices only then, at start. tug means to notice all at
 * create, and calls what the user got wrong a 400.
 */
async function refusal(engine: Engine, body: object): Promise<string> {
  const created = await engine.send("POST", "/v1.51/containers/create?name=P-x", {
    Image: "IMAGE",
    Cmd: ["true"],
    ...body,
  });
  const last = created.status === 201 ? await engine.send("POST", "/v1.51/containers/P-x/start") : created;
  if (last.status < 400) return "accepted";
  return withSameWords(normaliseText(engine, JSON.parse(last.body).message));
}

const BAD_HOST_CONFIGS = [
  { Memory: 1 },
  { Memory: 1024 },
  { MemorySwap: 100 },
  { Memory: 10_000_000, MemorySwap: 5_000_000 },
  { MemoryReservation: 1 },
  { Memory: 10_000_000, MemoryReservation: 20_000_000 },
  { MemorySwappiness: 101 },
  { MemorySwappiness: -2 },
  { OomScoreAdj: 1001 },
  { OomScoreAdj: -1001 },
  { NanoCpus: -1 },
  { NanoCpus: 1e12 },
  { NanoCpus: 1e9, CpuQuota: 1000 },
  { NanoCpus: 1e9, CpuPeriod: 1000 },
  { CpuPeriod: 1 },
  { CpuPeriod: 2e6 },
  { CpuQuota: 5 },
  { CpuShares: -1 },
  { CpusetCpus: "x" },
  { CpusetCpus: "0-" },
  { CpusetCpus: "0-99" },
  { CpusetMems: "99" },
  { CpusetMems: "x" },
  { CapAdd: ["NOPE"] },
  { CapDrop: ["CAP_NOPE"] },
  { SecurityOpt: ["nope"] },
  { SecurityOpt: ["seccomp"] },
  { SecurityOpt: ["no-new-privileges=x"] },
  { SecurityOpt: ["nope=x"] },
  { ShmSize: -1 },
  { IpcMode: "nope" },
  { IpcMode: "container:nope" },
  { PidMode: "nope" },
  { PidMode: "container:" },
  { PidMode: "container:nope" },
  { UTSMode: "nope" },
  { CgroupnsMode: "nope" },
  { NetworkMode: "container:" },
  { NetworkMode: "container:x", PublishAllPorts: true },
  { NetworkMode: "container:x", Dns: ["1.1.1.1"] },
  { NetworkMode: "container:x", ExtraHosts: ["a:1.1.1.1"] },
  { RestartPolicy: { Name: "nope" } },
  { RestartPolicy: { Name: "always", MaximumRetryCount: 2 } },
  { RestartPolicy: { Name: "no", MaximumRetryCount: 2 } },
  { RestartPolicy: { Name: "on-failure", MaximumRetryCount: -2 } },
  { RestartPolicy: { Name: "always" }, AutoRemove: true },
  { LogConfig: { Type: "nope" } },
  { LogConfig: { Type: "json-file", Config: { nope: "1" } } },
  { LogConfig: { Type: "json-file", Config: { "max-file": "0", "max-size": "1m" } } },
  { Runtime: "nope" },
  { Isolation: "hyperv" },
  { VolumesFrom: ["nope"] },
  { VolumesFrom: ["nope:xx"] },
  { VolumesFrom: [""] },
  { GroupAdd: ["nope"] },
  { Annotations: { "": "x" } },
  { DeviceCgroupRules: ["x"] },
  { DeviceCgroupRules: ["c 1:* rwmx"] },
  { Devices: [{ PathOnHost: "/dev/nosuch", PathInContainer: "/dev/x", CgroupPermissions: "rwm" }] },
  { Devices: [{ PathOnHost: "/etc/passwd", PathInContainer: "/dev/x", CgroupPermissions: "rwm" }] },
  { DeviceRequests: [{ Driver: "nvidia", Count: -1 }] },
  { DeviceRequests: [{ Capabilities: [["gpu"]], Count: 1 }] },
  { Sysctls: { "kernel.nosuch": "1" } },
  { Sysctls: { "net.ipv4.ip_forward": "1" }, NetworkMode: "host" },
  { Sysctls: { "kernel.shmmax": "1" }, IpcMode: "host" },
  { Tmpfs: { x: "" } },
  { Tmpfs: { "/x": "nope" } },
  { Tmpfs: { "/": "" } },
  { Binds: ["/a:b"] },
  { Binds: ["/tmp:/"] },
  { Binds: ["/tmp:/x:nope"] },
  { Binds: ["/tmp:/x:ro,rw"] },
  { Binds: ["/tmp:/x:ro", "/tmp:/x"] },
  { Binds: [":/x"] },
  { Binds: ["/tmp:/x:ro:y"] },
  { Binds: ["/tmp:/x:nocopy"] },
  { Binds: ["/tmp:/x:rslave"] },
  { Binds: ["/tmp:/x:shared,private"] },
  { Binds: ["/tmp:/x"], Mounts: [{ Type: "bind", Source: "/tmp", Target: "/x" }] },
  { Binds: ["/tmp:/x"], Tmpfs: { "/x": "" } },
  { Mounts: [{ Type: "nope", Source: "/tmp", Target: "/x" }] },
  { Mounts: [{ Source: "/tmp", Target: "/x" }] },
  { Mounts: [{ Type: "bind", Target: "/x" }] },
  { Mounts: [{ Type: "bind", Source: "/tmp" }] },
  { Mounts: [{ Type: "bind", Source: "tmp", Target: "/x" }] },
  { Mounts: [{ Type: "bind", Source: "/tmp", Target: "/" }] },
  { Mounts: [{ Type: "bind", Source: "/tmp", Target: "x" }] },
  { Mounts: [{ Type: "bind", Source: "/nosuch-tug", Target: "/x" }] },
  { Mounts: [{ Type: "bind", Source: "/tmp", Target: "/x", BindOptions: { Propagation: "nope" } }] },
  { Mounts: [{ Type: "bind", Source: "/tmp", Target: "/x", BindOptions: { ReadOnlyForceRecursive: true } }] },
  { Mounts: [{ Type: "bind", Source: "/tmp", Target: "/x", BindOptions: { ReadOnlyNonRecursive: true } }] },
  { Mounts: [{ Type: "bind", Source: "/tmp", Target: "/x", VolumeOptions: {} }] },
  { Mounts: [{ Type: "bind", Source: "/tmp", Target: "/x", TmpfsOptions: {} }] },
  { Mounts: [{ Type: "tmpfs", Source: "/tmp", Target: "/x" }] },
  { Mounts: [{ Type: "tmpfs", Target: "/x", BindOptions: {} }] },
  {
    Mounts: [
      { Type: "tmpfs", Target: "/x" },
      { Type: "tmpfs", Target: "/x" },
    ],
  },
  { Mounts: [{ Type: "npipe", Source: "a", Target: "/x" }] },
  { PortBindings: { "80/tcp": [{ HostPort: "x" }] } },
  { PortBindings: { "80/tcp": [{ HostPort: "70000" }] } },
  { Dns: ["x"] },
  { ExtraHosts: ["x"] },
  { ExtraHosts: ["x:y"] },
] as const;

test.each(BAD_HOST_CONFIGS.map((hostConfig) => [JSON.stringify(hostConfig), hostConfig] as const))(
  "a host config is refused in the same words: %s",
  async (_, HostConfig) => {
    const { tug, docker } = await engines.both((engine) => refusal(engine, { HostConfig }));
    expect(tug).toBe(docker);
    expect(tug).not.toBe("accepted");
  },
);

/** What Docker lets pass without effect, or runs into in the middle of a start, is refused by name: it could not act. */
const STRICTER = [
  { CpuShares: 1 },
  { Ulimits: [{ Name: "nofile", Soft: 10, Hard: 5 }] },
  { Ulimits: [{ Name: "nosuch", Soft: 10, Hard: 10 }] },
  { SecurityOpt: ["apparmor=x"] },
  { SecurityOpt: ['seccomp={"defaultAction":"SCMP_ACT_NOPE"}'] },
  { UsernsMode: "nope" },
  { Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/x", CgroupPermissions: "xyz" }] },
  { PortBindings: { "80/xyz": [{ HostPort: "1" }] } },
  { PortBindings: { "80/tcp": [{ HostIp: "x", HostPort: "0" }] } },
  { PortBindings: { "0/tcp": [{ HostPort: "" }] } },
  { Mounts: [{ Type: "tmpfs", Target: "/x", TmpfsOptions: { SizeBytes: -1 } }] },
] as const;

test.each(STRICTER.map((hostConfig) => [JSON.stringify(hostConfig), hostConfig] as const))(
  "a host config that cannot act is refused at create: %s",
  async (_, HostConfig) => {
    const { status } = await engines.tug.send("POST", "/containers/create?name=P-x", { Image: "IMAGE", HostConfig });
    expect(status).toBe(400);
  },
);

const GOOD_HOST_CONFIGS = [
  {},
  { Memory: 10_000_000, MemorySwap: -1 },
  { Memory: 64 << 20, MemoryReservation: 32 << 20, OomKillDisable: true },
  { NanoCpus: 5e8, CpusetCpus: "0" },
  { CpuPeriod: 50_000, CpuQuota: 25_000, CpuShares: 512 },
  { PidsLimit: 0 },
  { PidsLimit: -5 },
  { PidsLimit: 10 },
  { Ulimits: [{ Name: "nofile", Soft: 10, Hard: 20 }] },
  { CapAdd: ["sys_admin"], CapDrop: ["ALL"] },
  { CapAdd: ["ALL"] },
  { SecurityOpt: ["seccomp=unconfined", "no-new-privileges"] },
  { SecurityOpt: ["label=disable"] },
  { Privileged: true },
  { ReadonlyRootfs: true, Tmpfs: { "/run": "size=64k" } },
  { ShmSize: 1 << 20, IpcMode: "shareable" },
  { IpcMode: "host", PidMode: "host", UTSMode: "host", NetworkMode: "host" },
  { NetworkMode: "none" },
  { NetworkMode: "default" },
  { NetworkMode: "host", PortBindings: { "80/tcp": [{ HostPort: "8080" }] } },
  { RestartPolicy: { Name: "always" } },
  { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } },
  { LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "3" } } },
  { LogConfig: { Type: "none" } },
  { GroupAdd: ["10", "test"] },
  { Sysctls: { "net.ipv4.ip_forward": "1" } },
  {
    Binds: ["/tmp:/x", "/etc:/y:ro"],
    Mounts: [{ Type: "tmpfs", Target: "/z", TmpfsOptions: { SizeBytes: 65536, Mode: 448 } }],
  },
  { Mounts: [{ Type: "bind", Source: "/etc/passwd", Target: "/x", ReadOnly: true }] },
  { Binds: ["/tmp/../tmp/:/x/../y/"] },
  { Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/x", CgroupPermissions: "rw" }] },
  { DeviceCgroupRules: ["c 1:3 rwm"] },
  { Dns: ["1.1.1.1"], DnsSearch: ["a.b"], DnsOptions: ["ndots:1"], ExtraHosts: ["x:1.2.3.4", "y:host-gateway"] },
  { ConsoleSize: [10, 20] },
  { Init: true, OomScoreAdj: 100 },
  { MaskedPaths: [], ReadonlyPaths: ["/proc/bus"] },
  { ContainerIDFile: "/tmp/x", Annotations: { a: "b" } },
  { AutoRemove: true },
];

test.each(GOOD_HOST_CONFIGS.map((hostConfig) => [JSON.stringify(hostConfig), hostConfig] as const))(
  "a host config is kept alike: %s",
  async (_, HostConfig) => {
    await sameAnswer(engines, "POST", "/v1.51/containers/create?name=P-x", { Image: "IMAGE", HostConfig });
    await sameAnswer(engines, "GET", "/v1.51/containers/P-x/json");
  },
);

const CONFIGS = [
  { Image: "nosuch" },
  { Image: "UPPER" },
  { Image: `sha256:${"0".repeat(64)}` },
  { Image: "0123456789ab" },
  { WorkingDir: "x" },
  { WorkingDir: "/a/../b/" },
  { StopSignal: "NOPE" },
  { StopSignal: "15", StopTimeout: -1 },
  { Env: ["=x"] },
  { Env: [""] },
  { Env: ["a", "b=c=d", "e=1", "e=2"] },
  { Hostname: "a.b", Domainname: "x.y" },
  { Entrypoint: [], Cmd: [] },
  { Entrypoint: [""] },
  { Entrypoint: "sh -c" },
  { Cmd: "echo hi" },
  { Entrypoint: ["echo"] },
  { Labels: { a: "b", "": "x" } },
  { Labels: ["x"] },
  { ExposedPorts: { "80/tcp": {}, "53/udp": {} } },
  { Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 1 } },
  { Healthcheck: { Test: ["NONE"] } },
  { NetworkDisabled: true },
  { NetworkingConfig: { EndpointsConfig: { bridge: { IPAMConfig: { IPv4Address: "1.2.3.4" } } } } },
  { NetworkingConfig: { EndpointsConfig: { bridge: { Aliases: ["x"] } } } },
  { NetworkingConfig: null },
  { MacAddress: "x" },
  { Tty: true, OpenStdin: true, StdinOnce: true, AttachStdin: true },
  { User: "a:b:c" },
  { AttachStdout: "x" },
  { Tty: 1 },
  { Env: "x" },
  { Nope: 1 },
  { cmd: ["x"], TTY: true, hostconfig: { memory: 10_000_000 } },
];

test.each(CONFIGS.map((config) => [JSON.stringify(config), config] as const))(
  "a config is taken or refused alike: %s",
  async (_, config) => {
    await sameAnswer(engines, "POST", "/v1.51/containers/create?name=P-x", { Image: "IMAGE", ...config });
    await sameAnswer(engines, "GET", "/v1.51/containers/P-x/json");
  },
);

describe("bodies", () => {
  const json = { "Content-Type": "application/json" };
  test.each([
    ["", {}],
    ["{", json],
    ["[]", json],
    ["null", json],
    ["{} x", json],
    ["{}{}", json],
    ['"x"', json],
    ["{}", { "Content-Type": "text/plain" }],
    ["{}", { "Content-Type": "application/json; charset=utf-8" }],
    ["{}", { "Content-Type": "APPLICATION/JSON" }],
    ['{"Image":"x","HostConfig":[]}', json],
    ['{"Image":"x","HostConfig":{"Memory":"x"}}', json],
    ['{"Image":"x","HostConfig":{"Memory":1.5}}', json],
    ['{"Image":"x","HostConfig":null}', json],
    ['{"Image":1}', json],
    ['{"Image":"x","Labels":{"a":1}}', json],
  ] as [string, Record<string, string>][])("%j with %j", async (body, headers) => {
    await sameAnswer(engines, "POST", "/v1.51/containers/create?name=P-x", body, headers);
  });

  test.each(["linux", "linux/amd64", "linux/arm64", "windows/amd64"])("the platform %s", async (platform) => {
    await sameAnswer(engines, "POST", `/v1.51/containers/create?name=P-x&platform=${platform}`, { Image: "IMAGE" });
  });

  test("names", async () => {
    for (const name of ["a", "a%20b", "-a", "a/b", "%ff"]) {
      await sameAnswer(engines, "POST", `/v1.51/containers/create?name=${name}`, { Image: "IMAGE" });
    }
  });
});

test.each(["1.24", "1.39", "1.40", "1.41", "1.42", "1.43", "1.44", "1.45", "1.47", "1.49", "1.51"])(
  "version %s gates the same fields",
  async (version) => {
    const HostConfig = {
      CgroupnsMode: "private",
      IpcMode: "",
      KernelMemoryTCP: 0,
      Annotations: { a: "b" },
      Mounts: [{ Type: "bind", Source: "/tmp", Target: "/x", BindOptions: { NonRecursive: true } }],
      ConsoleSize: [1, 2],
      PidsLimit: 7,
    };
    await sameAnswer(engines, "POST", `/v${version}/containers/create?name=P-x`, { Image: "IMAGE", HostConfig });
    same(
      await engines.both(async (engine) => {
        const { HostConfig: kept } = await engine.get<{ HostConfig: Record<string, unknown> }>(
          "GET",
          "/v1.51/containers/P-x/json",
        );
        return { ...kept, Runtime: undefined };
      }),
    );
  },
);
