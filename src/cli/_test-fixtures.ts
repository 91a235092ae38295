/** What a test engine holds: a few objects of each kind, with what formats have trouble with. */
import type { RecordedRequest } from "./_test-engine.ts";

const CONTAINER_ID = "7b4f50f7a6453b161608932b928e6c1c144311219ba2d939c56c20e366e3de1b";
const IMAGE_ID = "sha256:58191ddb20288907274b9bf76a140e5d3a92c240891c751dd9d91d82c06f0a2d";

/** Answers list and inspect requests; times are so long before `nowSeconds`. */
export function fixtureAnswer(nowSeconds: number): (request: RecordedRequest) => Response {
  const routes: Readonly<Record<string, unknown>> = {
    "/containers/json": containers(nowSeconds),
    "/images/json": images(nowSeconds),
    "/networks": networks,
    "/volumes": { Volumes: volumes, Warnings: null },
    "/images/busybox/history": history(nowSeconds),
    "/system/df": {
      LayersSize: 6_000_000,
      Images: images(nowSeconds),
      Containers: containers(nowSeconds),
      Volumes: volumes,
      BuildCache: [],
    },
    "/images/search": found,
    "/auth": { IdentityToken: "", Status: "Login Succeeded" },
    "/commit": { Id: IMAGE_ID },
    "/containers/web/json": inspected,
    "/containers/quiet/json": { ...inspected, Name: "/quiet", State: { Status: "exited", ExitCode: 3 } },
    "/info": info,
    "/containers/web/top": {
      Titles: ["UID", "PID", "CMD"],
      Processes: [
        ["root", "1", "sleep 1000"],
        ["daemon", "20", "sh"],
      ],
    },
  };
  const streams: Readonly<Record<string, readonly object[]>> = {
    "/images/create": pulled,
    "/images/r.test/a/push": pushed,
    "/images/r.test/refused/push": [{ status: "The push refers to repository [r.test/refused]" }, ...refused],
  };
  return ({ path }) => {
    const headers = { "Content-Type": "application/json" };
    const lines = streams[path.split("?")[0]!];
    if (lines !== undefined)
      return new Response(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(""), { headers });
    const body = routes[path.split("?")[0]!];
    if (body !== undefined) return new Response(JSON.stringify(body), { headers });
    const name = path.split("?")[0]!.split("/")[2] ?? "";
    return new Response(JSON.stringify({ message: `No such container: ${name}` }), { status: 404, headers });
  };
}

function containers(nowSeconds: number) {
  const common = { ImageID: IMAGE_ID, HostConfig: { NetworkMode: "bridge" }, SizeRw: 0, SizeRootFs: 0 };
  return [
    {
      ...common,
      Id: CONTAINER_ID,
      Names: ["/web", "/other/link"],
      Image: "busybox:1.36",
      Command: "sh -c 'while true; do echo <hello> & sleep 1; done'",
      Created: nowSeconds - 300,
      Ports: [
        { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
        { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
        { IP: "127.0.0.1", PrivatePort: 90, PublicPort: 90, Type: "udp" },
        { IP: "127.0.0.1", PrivatePort: 91, PublicPort: 91, Type: "udp" },
        { PrivatePort: 443, Type: "tcp" },
        { PrivatePort: 444, Type: "tcp" },
        { PrivatePort: 9, Type: "tcp" },
      ],
      Labels: { "com.example.role": "front end", b: "2" },
      State: "running",
      Status: "Up 5 minutes (healthy)",
      NetworkSettings: { Networks: { bridge: {} } },
      Mounts: [
        { Type: "bind", Source: "/a/very/long/source/path", Destination: "/x" },
        { Type: "volume", Name: "data", Source: "/var/x", Destination: "/y", Driver: "local" },
      ],
      SizeRw: 1536,
      SizeRootFs: 1_984_000,
    },
    {
      ...common,
      Id: "f".repeat(64),
      Names: ["/quiet"],
      Image: IMAGE_ID,
      Command: "true",
      Created: nowSeconds - 90_000,
      Ports: [],
      Labels: null,
      State: "exited",
      Status: "Exited (0) 25 hours ago",
      NetworkSettings: { Networks: {} },
      Mounts: [],
    },
  ];
}

function images(nowSeconds: number) {
  const digest = "sha256:9ae97d36d26566ff84e8893c64a6dc4fe8ca6d1144bf5b87b2b85a32def253c7";
  const common = { ParentId: "", SharedSize: -1, Containers: -1, Labels: null };
  return [
    {
      ...common,
      Id: IMAGE_ID,
      RepoTags: ["busybox:1.36", "busybox:latest"],
      RepoDigests: [`busybox@${digest}`],
      Created: nowSeconds - 3600 * 24 * 40,
      Size: 4_261_502,
    },
    {
      ...common,
      Id: `sha256:${"a".repeat(64)}`,
      RepoTags: [],
      RepoDigests: [],
      Created: nowSeconds - 70,
      Size: 999,
      SharedSize: 500,
      Containers: 2,
    },
  ];
}

function history(nowSeconds: number) {
  return [
    {
      Id: IMAGE_ID,
      Created: nowSeconds - 7200,
      CreatedBy: '/bin/sh -c #(nop)  CMD ["sh"] and a line that is far too long for a table',
      Tags: ["busybox:1.36"],
      Size: 0,
      Comment: "",
    },
    {
      Id: "<missing>",
      Created: nowSeconds - 7300,
      CreatedBy: "ADD\tfile",
      Tags: null,
      Size: 4_261_502,
      Comment: "first",
    },
  ];
}

const layer = (id: string, status: string, progressDetail = {}) => ({ status, progressDetail, id });

const pulled = [
  { status: "Pulling from library/busybox", id: "1.36" },
  layer("9ae97d36d265", "Pulling fs layer"),
  { ...layer("9ae97d36d265", "Downloading", { current: 42, total: 100 }), progress: "[====>  ]  42B/100B" },
  layer("9ae97d36d265", "Pull complete"),
  { status: `Digest: sha256:${"1".repeat(64)}` },
  { status: "Status: Downloaded newer image for busybox:1.36" },
];

const pushed = [
  { status: "The push refers to repository [r.test/a]" },
  layer("2678266ff306", "Preparing"),
  { ...layer("2678266ff306", "Pushing", { current: 42, total: 100 }), progress: "[====>  ]  42B/100B" },
  layer("2678266ff306", "Pushed"),
  { status: `1: digest: sha256:${"2".repeat(64)} size: 527` },
  { progressDetail: {}, aux: { Tag: "1", Digest: `sha256:${"2".repeat(64)}`, Size: 527 } },
];

const refused = [{ errorDetail: { message: "no basic auth credentials" }, error: "no basic auth credentials" }];

const found = [
  { star_count: 5, is_official: false, name: "a/less-known", is_automated: false, description: "short" },
  {
    star_count: 13_000,
    is_official: true,
    name: "redis",
    is_automated: false,
    description: "An in-memory store, and a description\nof more columns than a table has room for.",
  },
  { star_count: 5, is_official: false, name: "b/as-little", is_automated: false, description: "" },
];

const networks = [
  {
    Name: "bridge",
    Id: "8545385703b4f44a0a00861a5a6429c48477aff0302242efaf1797922f2e02c5",
    Created: "2026-11-21T00:33:28.790387624Z",
    Scope: "local",
    Driver: "bridge",
    EnableIPv4: true,
    EnableIPv6: false,
    Internal: false,
    Labels: { a: "b" },
  },
  {
    Name: "app10",
    Id: "1".repeat(64),
    Created: "2026-11-21T00:33:28Z",
    Scope: "local",
    Driver: "macvlan",
    Internal: true,
  },
  { Name: "app9", Id: "2".repeat(64), Created: "2026-11-21T00:33:28Z", Scope: "swarm", Driver: "overlay" },
];

const volumes = [
  {
    Name: "data",
    Driver: "local",
    Mountpoint: "/m/data",
    Scope: "local",
    Labels: { x: "y" },
    UsageData: { Size: 2048, RefCount: 1 },
  },
  {
    Name: "cache",
    Driver: "local",
    Mountpoint: "/m/cache",
    Scope: "local",
    Labels: null,
    UsageData: { Size: 10, RefCount: 0 },
  },
];

const inspected = {
  Id: CONTAINER_ID,
  Created: "2026-11-21T00:46:49.123456789Z",
  Path: "sh",
  Args: ["-c", "echo <a> & true"],
  State: { Status: "running", Running: true, Paused: false, Pid: 4711, ExitCode: 0, Error: "" },
  Image: IMAGE_ID,
  Name: "/web",
  RestartCount: 0,
  HostConfig: { Binds: null, Memory: 67_108_864, PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] } },
  Mounts: [{ Type: "bind", Source: "/a", Destination: "/b", Mode: "", RW: true, Propagation: "rprivate" }],
  Config: {
    Hostname: "web",
    Env: ["PATH=/bin", "A=b c"],
    Cmd: ["sh", "-c", "echo <a> & true"],
    Labels: { "com.example.role": "front", plain: "x" },
    Entrypoint: null,
    Tty: false,
  },
  NetworkSettings: {
    Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }], "90/udp": null },
    Networks: { bridge: { IPAddress: "172.17.0.2", Gateway: "172.17.0.1" } },
  },
};

const info = {
  ID: "322fbdf3-5189-49f4-b683-835f2e639b6e",
  Containers: 2,
  ContainersRunning: 1,
  ContainersPaused: 0,
  ContainersStopped: 1,
  Images: 2,
  Driver: "overlay2",
  DriverStatus: [["Backing Filesystem", "extfs"]],
  Plugins: { Volume: ["local"], Network: ["bridge", "host"], Authorization: null, Log: ["json-file"] },
  LoggingDriver: "json-file",
  CgroupDriver: "cgroupfs",
  CgroupVersion: "2",
  KernelVersion: "6.12.0",
  OperatingSystem: "Debian GNU/Linux",
  OSType: "linux",
  Architecture: "x86_64",
  NCPU: 2,
  MemTotal: 25_275_179_008,
  RegistryConfig: {
    InsecureRegistryCIDRs: ["127.0.0.0/8"],
    IndexConfigs: { "docker.io": { Name: "docker.io", Mirrors: [], Secure: true, Official: true } },
    Mirrors: [],
  },
  Name: "vm",
  Labels: ["a=b"],
  ServerVersion: "28.5.2",
  Runtimes: { runc: { path: "runc" }, crun: { path: "crun" } },
  DefaultRuntime: "runc",
  Swarm: { LocalNodeState: "inactive" },
  LiveRestoreEnabled: true,
  InitBinary: "docker-init",
  ContainerdCommit: { ID: "c" },
  RuncCommit: { ID: "r" },
  InitCommit: { ID: "i" },
  SecurityOptions: ["name=seccomp,profile=builtin", "name=cgroupns"],
  DockerRootDir: "/var/lib/docker",
  ExperimentalBuild: false,
  Debug: false,
  Warnings: null,
  CDISpecDirs: ["/etc/cdi"],
};
