/**
 * The encoder against the decoder, on the same bytes: `executor/test/plan.bin` is what the sample encodes to, and what
 * `make -C executor test` decodes and compares with `plan.txt` under sanitizers. UPDATE_GOLDEN=1 writes the first anew.
 */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { encodePlan, encodeSpec, OP_FIELDS, SPEC_FIELDS } from "./encode.ts";
import type { MonitorSpec } from "./executor.ts";
import type { IdMapping, Op } from "./ops.ts";

const C_PROGRAM = new URL("../../executor/", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, C_PROGRAM));

const MAP: IdMapping = { containerId: 0, hostId: 100000, size: 65536 };

/** Each op at least once, with values at their limits. */
const SAMPLE: { readonly [Kind in Op["op"]]: Extract<Op, { op: Kind }> } = {
  mkdir: { op: "mkdir", path: "/run/tug", mode: 0o700, parents: true },
  write: { op: "write", path: "/sys/fs/cgroup/pids.max", data: "max\0 and a NUL", mode: 0 },
  remove: { op: "remove", path: "/x", retryMs: 5000 },
  "remove-tree": { op: "remove-tree", path: "/tree" },
  read: { op: "read", path: "/proc/version", limitBytes: 4096 },
  "read-in-root": { op: "read-in-root", root: "/proc/1/root", target: "/etc/passwd", limitBytes: 0xffffffff },
  extract: {
    op: "extract",
    root: "/layers/1",
    target: Buffer.from("etc/näme"),
    mode: 0o100644,
    uid: 1000,
    gid: 1000,
    device: 0,
    seconds: -1n,
    nanoseconds: 999999999,
    linkTo: Buffer.from(""),
    size: 1n << 40n,
    source: "/blob",
    pieces: new Uint8Array(24),
    xattrs: Uint8Array.of(1, 2, 3),
  },
  "extract-link": { op: "extract-link", root: "/layers/1", target: Buffer.from("b"), linkTo: Buffer.from("a") },
  "sync-filesystem": { op: "sync-filesystem", path: "/layers" },
  datagrams: { op: "datagrams", path: "/run/sink", messages: new Uint8Array([1, 0, 0, 0, 65]) },
  connect: { op: "connect", path: "/run/tug/stream" },
  resolve: { op: "resolve", target: Buffer.from("/etc/localtime") },
  walk: {
    op: "walk",
    root: "/snapshots/1/upper",
    target: Buffer.from("/"),
    below: "/images/1",
    opaque: "trusted.overlay.opaque",
    all: false,
    changed: true,
    brief: false,
    content: true,
    xattrs: ["user.", "security.capability"],
  },
  receive: { op: "receive", target: Buffer.from("/srv") },
  place: {
    op: "place",
    target: Buffer.from("a/b"),
    mode: 0o104755,
    uid: 0,
    gid: 0xfffffffe,
    device: 0,
    seconds: 1n << 33n,
    nanoseconds: 1,
    linkTo: Buffer.from(""),
    size: 4096n,
    pieces: new Uint8Array(16),
    xattrs: Uint8Array.of(9),
    keepKinds: true,
  },
  "place-link": { op: "place-link", target: Buffer.from("c"), linkTo: Buffer.from("a/b"), keepKinds: false },
  "place-time": { op: "place-time", target: Buffer.from("a"), seconds: -2n, nanoseconds: 5 },
  "cgroup-devices": {
    op: "cgroup-devices",
    path: "/sys/fs/cgroup/tug",
    program: Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0),
  },
  "kill-cgroup": { op: "kill-cgroup", path: "/sys/fs/cgroup/tug" },
  netlink: {
    op: "netlink",
    protocol: 12,
    messages: Uint8Array.of(0, 255, 1),
    childPidAt: [0, 0xffffffff],
    ignore: [17],
    what: "create veth pair",
  },
  propagation: { op: "propagation", path: "/", flags: (1 << 19) | (1 << 14) },
  "mount-erofs": { op: "mount-erofs", path: "/images/1", image: "/index", devices: ["/a.tar", "/b.tar"] },
  "mount-overlay": {
    op: "mount-overlay",
    path: "/root",
    lower: ["/l2", "/l1"],
    upper: "/up",
    work: "/work",
    options: ["volatile"],
  },
  "mount-bind": { op: "mount-bind", path: "/root", source: "/src", flags: 4096 },
  "mount-tmpfs": { op: "mount-tmpfs", path: "/shm", flags: 14, options: ["size=64m"] },
  "mount-root-of": { op: "mount-root-of", pid: 7, startTicks: 2 ** 40, path: "/root" },
  "mount-filesystem": {
    op: "mount-filesystem",
    path: "/volumes/a",
    type: "nfs",
    source: ":/export",
    flags: 1,
    propagation: 1 << 18,
    data: "addr=127.0.0.1",
  },
  "mount-beneath": { op: "mount-beneath", path: "/part", root: "/volumes/a", target: "a/b" },
  umount: { op: "umount", path: "/root", detach: false },
  "unshare-mounts": { op: "unshare-mounts" },
  "enter-host-mounts": { op: "enter-host-mounts" },
  enter: { op: "enter", pid: 4242, namespaces: ["mount", "network"] },
  root: { op: "root", path: "/root" },
  mount: {
    op: "mount",
    target: "/tmp",
    type: "tmpfs",
    source: "tmpfs",
    flags: 0xffffffff,
    options: ['mode="1777"\n', ""],
    copyUp: true,
  },
  bind: {
    op: "bind",
    source: "/src",
    target: "/dst",
    create: "file",
    recursive: true,
    set: 1,
    clear: 2,
    recursiveAttributes: true,
    propagation: 1 << 18,
    uidMap: [MAP, { containerId: 65536, hostId: 0, size: 1 }],
    gidMap: [],
    copyUp: true,
  },
  device: {
    op: "device",
    target: "/dev/null",
    type: "c",
    major: 1,
    minor: 3,
    mode: 0o666,
    uid: 0,
    gid: 5,
    hostPath: "/dev/null",
  },
  symlink: { op: "symlink", target: "/dev/fd", linkTo: "/proc/self/fd" },
  "mkdir-in-root": { op: "mkdir-in-root", target: "/a/b", mode: 0o755, uid: 1, gid: 2 },
  console: { op: "console" },
  pivot: { op: "pivot", propagation: 1 << 18, readonly: true },
  mask: { op: "mask", target: "/proc/kcore" },
  readonly: { op: "readonly", target: "/proc/sys" },
  sysctl: { op: "sysctl", key: "net/ipv4/ip_forward", value: "1" },
  hostname: { op: "hostname", name: "box" },
  domainname: { op: "domainname", name: "" },
  rlimit: { op: "rlimit", resource: 7, soft: 1024, hard: -1 },
  "oom-score-adj": { op: "oom-score-adj", value: -1000 },
  capabilities: {
    op: "capabilities",
    bounding: 0x1ffffffffffn,
    effective: 1n,
    permitted: 1n << 40n,
    inheritable: 0n,
    ambient: (1n << 64n) - 1n,
  },
  "no-new-privs": { op: "no-new-privs" },
  seccomp: { op: "seccomp", filter: new Uint8Array(300).fill(7), flags: 2 },
  user: { op: "user", uid: 1000, gid: 0xfffffffe, groups: [10, 20], umask: 0o22 },
  apparmor: { op: "apparmor", profile: "docker-default" },
  cwd: { op: "cwd", path: "/home/ünï", create: true },
  exec: { op: "exec", argv: ["sh", "-c", "exit 3"], env: ["PATH=/bin", "A="], init: true },
};

const ENCODED = encodePlan(Object.values(SAMPLE));

test("encodePlan() gives the bytes that the executor's own test decodes", () => {
  const file = new URL("test/plan.bin", C_PROGRAM);
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, ENCODED);
  expect(Buffer.compare(readFileSync(file), ENCODED)).toBe(0);
});

test("the executor's decoder reads every field as it was meant", () => {
  const lines = read("test/plan.txt").toString().trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual(Object.values(SAMPLE).map(asDecoded));
});

test("the field tables of both sides are the same", () => {
  const source = read("src/ops.def")
    .toString()
    .replace(/\/\*[\s\S]*?\*\//g, "");
  const theirs = [...source.matchAll(/OP\((\w+),[^,]*,([^;]*?)\)\n(?=OP|$)/g)].map(([, op, fields]) => [
    op,
    fieldsOf(fields!),
  ]);
  const ours = Object.entries(OP_FIELDS).map(([op, fields]) => [snakeCase(op), fields.map(describeField)]);
  expect(theirs).toEqual(ours);
});

test("the monitor's spec has the same fields on both sides", () => {
  const source = read("src/plan.h").toString();
  const macro = /#define SPEC_FIELDS([\s\S]*?)\n(?!.*\\)/.exec(source)![1]!;
  const definition = source.slice(source.indexOf(macro), source.indexOf("struct spec {"));
  expect(fieldsOf(definition)).toEqual(SPEC_FIELDS.map(describeField));
});

test("encodePlan() refuses text that a kernel would cut short", () => {
  expect(() => encodePlan([{ op: "umount", path: "/a\0b", detach: false }])).toThrow("text with a NUL");
});

test("encodePlan() refuses numbers that do not fit", () => {
  expect(() => encodePlan([{ op: "umount-of" as "umount", path: "/a", detach: false }])).toThrow();
  expect(() => encodePlan([{ op: "remove", path: "/a", retryMs: 2 ** 32 }])).toThrow(RangeError);
  expect(() => encodePlan([{ op: "remove", path: "/a", retryMs: 0.5 }])).toThrow(RangeError);
});

test("encodeSpec() encodes a spec without log and runtime as empty fields", () => {
  const section = { before: [], beside: [], inside: [], after: [] };
  const spec: MonitorSpec = {
    name: "a",
    plan: { ...section, clone: { create: [], join: [], uidMap: [], gidMap: [], cgroup: "", cgroupTasks: [] } },
    socketPath: "/s",
    exitPath: "/e",
    stdio: { tty: true, stdin: false, stdinOnce: false, width: 80, height: 24 },
    awaitAttach: 0,
    oomPath: "",
    spoolDir: "/",
  };
  const start = Buffer.from([
    1, 0, 0, 0, 97, 0, 2, 0, 0, 0, 47, 115, 0, 2, 0, 0, 0, 47, 101, 0, 1, 0, 0, 80, 0, 0, 0, 24, 0, 0, 0,
  ]);
  expect(Buffer.from(encodeSpec(spec)).subarray(0, start.length)).toEqual(start);
});

const CLONE_FLAGS: Record<string, number> = { mount: 0x00020000, network: 0x40000000 };

/** An op as test/decode.c prints it: its name, then its fields in the order of the table. */
function asDecoded(op: Op): unknown[] {
  const values = op as unknown as Record<string, unknown>;
  return [snakeCase(op.op), ...OP_FIELDS[op.op].map(({ name, kind }) => fieldAsDecoded(kind, values[name]))];
}

function fieldAsDecoded(kind: string, value: unknown): unknown {
  if (kind === "BYTES") return Buffer.from(value as Uint8Array | string).toString("hex");
  if (kind === "TEXT") return Buffer.from(value as Uint8Array | string).toString();
  if (kind === "BIG") return Number(BigInt.asUintN(64, BigInt(value as bigint | number)));
  if (kind === "MAPS") return (value as IdMapping[]).flatMap((map) => [map.containerId, map.hostId, map.size]);
  if (kind !== "NUM") return value;
  return typeof value === "number"
    ? value >>> 0
    : (value as string[]).reduce((flags, name) => flags | CLONE_FLAGS[name]!, 0);
}

function fieldsOf(definition: string): string[] {
  return [...definition.matchAll(/\b([A-Z]+)\((\w+)\)/g)].map(([, kind, name]) => `${kind} ${name}`);
}

function describeField({ name, kind }: { name: string; kind: string }): string {
  return `${kind} ${snakeCase(name)}`;
}

function snakeCase(name: string): string {
  return name.replaceAll("-", "_").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
