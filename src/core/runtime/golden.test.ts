/**
 * Documents and plans as text, one file each in `golden/`. With UPDATE_GOLDEN=1 the files are written anew, to be read
 * in review. The documents were compared with those that dockerd 28.5 writes for the same requests, field by field.
 */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import type { EndpointPlan } from "#core/networks";
import { hybridHost, planInput, specInput, unifiedHost } from "./_fixtures.ts";
import { compilePlan } from "./plan/compile.ts";
import { compileExecPlan } from "./plan/exec.ts";
import { compileForeignPlan } from "./plan/foreign.ts";
import { formatPlan } from "./plan/format.ts";
import { buildSpec } from "./spec/build.ts";

function matchGolden(name: string, text: string): void {
  const file = new URL(`golden/${name}`, import.meta.url);
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
}

const endpoint: EndpointPlan = {
  beside: [
    {
      op: "netlink",
      protocol: 0,
      messages: new Uint8Array(64),
      childPidAt: [32],
      ignore: [],
      what: "create veth pair",
    },
  ],
  inside: [
    { op: "netlink", protocol: 0, messages: new Uint8Array(32), childPidAt: [], ignore: [], what: "configure eth0" },
  ],
  after: [
    { op: "netlink", protocol: 12, messages: new Uint8Array(16), childPidAt: [], ignore: [2], what: "unpublish" },
  ],
};

const REQUESTS = {
  default: {},
  privileged: { hostConfig: { Privileged: true } },
  "tty-init": {
    config: { Tty: true, Env: ["FOO=bar"], WorkingDir: "/work", Domainname: "example.org" },
    hostConfig: { Init: true, ConsoleSize: [24, 80], SecurityOpt: ["no-new-privileges"] },
  },
  "read-only": {
    hostConfig: {
      ReadonlyRootfs: true,
      Tmpfs: { "/run": "size=64m,mode=700" },
      Binds: ["/srv/data:/data:ro", "/srv/data/file:/etc/app/file"],
      Mounts: [{ Type: "bind" as const, Source: "/srv", Target: "/srv", BindOptions: { NonRecursive: true } }],
    },
  },
  "host-namespaces": { hostConfig: { NetworkMode: "host", PidMode: "host", IpcMode: "host", UTSMode: "host" } },
  joined: {
    hostConfig: {
      NetworkMode: "container:a",
      PidMode: "container:a",
      IpcMode: "container:a",
      CgroupnsMode: "private" as const,
    },
    join: { network: 41, pid: 42, ipc: 43 },
  },
  propagation: { hostConfig: { Binds: ["/srv/data:/data:rshared", "/srv:/srv:rslave"] } },
  limits: {
    hostConfig: {
      Memory: 64 << 20,
      NanoCpus: 1_500_000_000,
      PidsLimit: 100,
      BlkioWeight: 300,
      CpusetCpus: "1",
      OomScoreAdj: 500,
      Ulimits: [{ Name: "nofile", Soft: 1024, Hard: -1 }],
      Sysctls: { "net.core.somaxconn": "100" },
      CapDrop: ["ALL"],
      CapAdd: ["NET_ADMIN", "chown"],
      SecurityOpt: ["seccomp=unconfined", "systempaths=unconfined"],
      Devices: [{ PathOnHost: "/dev/net", PathInContainer: "/dev/mynet", CgroupPermissions: "rw" }],
    },
  },
};

for (const [name, request] of Object.entries(REQUESTS)) {
  test(`buildSpec() of ${name}`, () => {
    const { linux, ...spec } = buildSpec(specInput(request));
    const seccomp = linux?.seccomp
      ? { ...linux.seccomp, syscalls: `${linux.seccomp.syscalls?.length} rules` }
      : undefined;
    matchGolden(`${name}.spec.json`, `${JSON.stringify({ ...spec, linux: { ...linux, seccomp } }, null, 1)}\n`);
  });

  test(`compilePlan() of ${name}`, () => {
    const network = request === REQUESTS.default ? { network: endpoint } : {};
    matchGolden(`${name}.txt`, formatPlan(compilePlan({ ...planInput(request, hybridHost), ...network })));
  });
}

test("compilePlan() on a host with one cgroup tree", () => {
  matchGolden("default-v2.txt", formatPlan(compilePlan(planInput(REQUESTS.default, unifiedHost))));
  matchGolden("limits-v2.txt", formatPlan(compilePlan(planInput(REQUESTS.limits, unifiedHost))));
});

test("compilePlan() of a container that mounts images besides its own", () => {
  const mounts = [
    { Type: "image" as const, Source: "tools", Target: "/tools" },
    { Type: "image" as const, Source: "tools", Target: "/bin/tool", ImageOptions: { Subpath: "bin/tool" } },
  ];
  const images = new Map([
    ["/tools", "/run/image-0"],
    ["/bin/tool", "/srv/data/file"],
  ]);
  const request = { hostConfig: { Mounts: mounts } };
  const input = { ...planInput(), spec: buildSpec({ ...specInput(request), images }), hostMounts: ["/run/image-0"] };
  matchGolden("images.txt", formatPlan(compilePlan(input)));
  expect(() => buildSpec(specInput(request))).toThrow('image mount "/tools": its image is missing');
});

test("compilePlan() of a container whose /dev/shm others may join", () => {
  const input = planInput({ hostConfig: { IpcMode: "shareable" } });
  matchGolden("shareable.txt", formatPlan(compilePlan({ ...input, shm: { path: "/run/shm", sizeBytes: 65_536 } })));
});

test("compileExecPlan() of a user's command and of a privileged one", () => {
  const options = {
    argv: ["id"],
    env: ["PATH=/bin"],
    user: { uid: 1000, gid: 100, groups: [44], home: "/home/web" },
    cwd: "/srv",
    tty: false,
    privileged: false,
  };
  const { spec } = planInput(REQUESTS["tty-init"]);
  matchGolden("exec.txt", formatPlan(compileExecPlan(spec, 4242, options, hybridHost)));
  const confined = planInput({}, unifiedHost).spec;
  matchGolden(
    "exec-privileged.txt",
    formatPlan(compileExecPlan(confined, 4242, { ...options, privileged: true }, unifiedHost)),
  );
});

test("compileForeignPlan() mounts the root and leaves the rest to the runtime, but for the network", () => {
  const plan = compileForeignPlan({ ...planInput(), network: endpoint });
  matchGolden("foreign.txt", formatPlan(plan));
  expect(() => compileForeignPlan({ ...planInput(), init: true })).toThrow("--init needs tug's own runtime");
});
