import type { MonitorSpec } from "./executor.ts";
import type { IdMapping, NamespaceKind, Op } from "./ops.ts";
import { Writer } from "./writer.ts";

/** How the executor's side names a field's encoding: a macro of executor/src/ops.def. */
type Kind = "TEXT" | "NUM" | "BIG" | "FLAG" | "BYTES" | "TEXTS" | "NUMS" | "MAPS";

interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly put: (out: Writer, value: never) => void;
}

/** A field of the record type `R` whose property has the type `T`. */
type FieldOf<R> = {
  [Name in keyof R & string]: { name: Name; kind: Kind; put: (out: Writer, value: R[Name]) => void };
}[keyof R & string];

function field<T>(kind: Kind, put: (out: Writer, value: T) => void) {
  return <Name extends string>(name: Name) => ({ name, kind, put });
}

const text = field<string>("TEXT", (out, value) => out.text(value));
const num = field<number>("NUM", (out, value) => out.num(value));
/** A number of up to 53 bits; -1 becomes all bits set, which is infinity to setrlimit. */
const long = field<number>("BIG", (out, value) => out.big(BigInt(value)));
const big = field<bigint>("BIG", (out, value) => out.big(value));
const flag = field<boolean>("FLAG", (out, value) => out.flag(value));
const bytes = field<Uint8Array>("BYTES", (out, value) => out.bytes(value));
/** A path that may be no UTF-8. */
const path = field<Uint8Array>("TEXT", (out, value) => out.textFrom(value));
const textBytes = field<string>("BYTES", (out, value) => out.bytes(Buffer.from(value)));
const texts = field<readonly string[]>("TEXTS", (out, value) => out.list(value, (item) => out.text(item)));
const nums = field<readonly number[]>("NUMS", (out, value) => out.list(value, (item) => out.num(item)));
const maps = field<readonly IdMapping[]>("MAPS", (out, value) => out.list(value, (item) => putMap(out, item)));
const namespaces = field<readonly NamespaceKind[]>("NUM", (out, value) => out.num(namespaceFlags(value)));

function putMap(out: Writer, map: IdMapping): void {
  out.num(map.containerId);
  out.num(map.hostId);
  out.num(map.size);
}

const CLONE_FLAGS: Readonly<Record<NamespaceKind, number>> = {
  mount: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
};

function namespaceFlags(kinds: readonly NamespaceKind[]): number {
  return kinds.reduce((flags, kind) => flags | CLONE_FLAGS[kind], 0);
}

/**
 * The fields of each op in the order in which they are encoded. This table and executor/src/ops.def are the same;
 * encode.test.ts compares them. An op's number is its place here.
 */
export const OP_FIELDS: { readonly [Kind in Op["op"]]: readonly FieldOf<Extract<Op, { op: Kind }>>[] } = {
  mkdir: [text("path"), num("mode"), flag("parents")],
  write: [text("path"), textBytes("data"), num("mode")],
  remove: [text("path"), num("retryMs")],
  "remove-tree": [text("path")],
  read: [text("path"), num("limitBytes")],
  "read-in-root": [text("root"), text("target"), num("limitBytes")],
  extract: [
    text("root"),
    path("target"),
    num("mode"),
    num("uid"),
    num("gid"),
    num("device"),
    big("seconds"),
    num("nanoseconds"),
    path("linkTo"),
    big("size"),
    text("source"),
    bytes("pieces"),
    bytes("xattrs"),
  ],
  "extract-link": [text("root"), path("target"), path("linkTo")],
  "sync-filesystem": [text("path")],
  datagrams: [text("path"), bytes("messages")],
  connect: [text("path")],
  resolve: [path("target")],
  walk: [
    text("root"),
    path("target"),
    text("below"),
    text("opaque"),
    flag("all"),
    flag("changed"),
    flag("brief"),
    flag("content"),
    texts("xattrs"),
  ],
  receive: [path("target")],
  place: [
    path("target"),
    num("mode"),
    num("uid"),
    num("gid"),
    num("device"),
    big("seconds"),
    num("nanoseconds"),
    path("linkTo"),
    big("size"),
    bytes("pieces"),
    bytes("xattrs"),
    flag("keepKinds"),
  ],
  "place-link": [path("target"), path("linkTo"), flag("keepKinds")],
  "place-time": [path("target"), big("seconds"), num("nanoseconds")],
  "cgroup-devices": [text("path"), bytes("program")],
  "kill-cgroup": [text("path")],
  netlink: [num("protocol"), bytes("messages"), nums("childPidAt"), nums("ignore"), text("what")],
  propagation: [text("path"), num("flags")],
  "mount-erofs": [text("path"), text("image"), texts("devices")],
  "mount-overlay": [text("path"), texts("lower"), text("upper"), text("work"), texts("options")],
  "mount-bind": [text("path"), text("source"), num("flags")],
  "mount-tmpfs": [text("path"), num("flags"), texts("options")],
  "mount-root-of": [num("pid"), long("startTicks"), text("path")],
  "mount-filesystem": [text("path"), text("type"), text("source"), num("flags"), num("propagation"), text("data")],
  "mount-beneath": [text("path"), text("root"), text("target")],
  umount: [text("path"), flag("detach")],
  "unshare-mounts": [],
  "enter-host-mounts": [],
  enter: [num("pid"), namespaces("namespaces")],
  root: [text("path")],
  mount: [text("target"), text("type"), text("source"), num("flags"), texts("options"), flag("copyUp")],
  bind: [
    text("source"),
    text("target"),
    text("create"),
    flag("recursive"),
    num("set"),
    num("clear"),
    flag("recursiveAttributes"),
    num("propagation"),
    maps("uidMap"),
    maps("gidMap"),
    flag("copyUp"),
  ],
  device: [
    text("target"),
    text("type"),
    num("major"),
    num("minor"),
    num("mode"),
    num("uid"),
    num("gid"),
    text("hostPath"),
  ],
  symlink: [text("target"), text("linkTo")],
  "mkdir-in-root": [text("target"), num("mode"), num("uid"), num("gid")],
  console: [],
  pivot: [num("propagation"), flag("readonly")],
  mask: [text("target")],
  readonly: [text("target")],
  sysctl: [text("key"), text("value")],
  hostname: [text("name")],
  domainname: [text("name")],
  rlimit: [num("resource"), long("soft"), long("hard")],
  "oom-score-adj": [num("value")],
  capabilities: [big("bounding"), big("effective"), big("permitted"), big("inheritable"), big("ambient")],
  "no-new-privs": [],
  seccomp: [bytes("filter"), num("flags")],
  user: [num("uid"), num("gid"), nums("groups"), num("umask")],
  apparmor: [text("profile")],
  cwd: [text("path"), flag("create")],
  exec: [texts("argv"), texts("env"), flag("init")],
};

const OP_NUMBERS: ReadonlyMap<string, number> = new Map(Object.keys(OP_FIELDS).map((op, index) => [op, index]));

/** A plan: for each op a record of its number and its fields. */
export function encodePlan(plan: readonly Op[]): Uint8Array {
  const out = new Writer();
  for (const op of plan) {
    out.record(() => {
      out.byte(OP_NUMBERS.get(op.op) ?? 255);
      putFields(out, OP_FIELDS[op.op], op);
    });
  }
  return out.finish();
}

function putFields(out: Writer, fields: readonly unknown[], record: object): void {
  for (const { name, put } of fields as readonly Field[]) put(out, (record as Record<string, never>)[name] as never);
}

/** A MonitorSpec with everything at one level, nothing optional. */
export const SPEC_FIELDS: readonly FieldOf<ReturnType<typeof flatSpec>>[] = [
  text("name"),
  text("socketPath"),
  text("exitPath"),
  flag("tty"),
  flag("openStdin"),
  flag("stdinOnce"),
  num("width"),
  num("height"),
  text("logPath"),
  long("logMaxBytes"),
  num("logMaxFiles"),
  text("logAttributes"),
  num("awaitAttach"),
  text("oomPath"),
  text("spoolDir"),
  flag("foreign"),
  texts("create"),
  texts("start"),
  texts("remove"),
  text("pidFile"),
  text("consoleSocket"),
  text("logFile"),
  namespaces("cloneFlags"),
  nums("joinKinds"),
  texts("joinPaths"),
  maps("uidMap"),
  maps("gidMap"),
  text("cgroup"),
  texts("cgroupTasks"),
  bytes("before"),
  bytes("beside"),
  bytes("inside"),
  bytes("after"),
];

function flatSpec(spec: MonitorSpec) {
  const { plan, stdio, log, runtime } = spec;
  return {
    name: spec.name,
    socketPath: spec.socketPath,
    exitPath: spec.exitPath,
    tty: stdio.tty,
    openStdin: stdio.stdin,
    stdinOnce: stdio.stdinOnce,
    width: stdio.width,
    height: stdio.height,
    logPath: log?.path ?? "",
    logMaxBytes: log?.maxBytes ?? 0,
    logMaxFiles: log?.maxFiles ?? 1,
    logAttributes: log?.attributes ?? "",
    awaitAttach: spec.awaitAttach,
    oomPath: spec.oomPath,
    spoolDir: spec.spoolDir,
    foreign: runtime !== undefined,
    create: runtime?.create ?? [],
    start: runtime?.start ?? [],
    remove: runtime?.remove ?? [],
    pidFile: runtime?.pidFile ?? "",
    consoleSocket: runtime?.consoleSocket ?? "",
    logFile: runtime?.logFile ?? "",
    cloneFlags: plan.clone.create,
    joinKinds: plan.clone.join.map(({ kind }) => CLONE_FLAGS[kind]),
    joinPaths: plan.clone.join.map(({ path }) => path),
    uidMap: plan.clone.uidMap,
    gidMap: plan.clone.gidMap,
    cgroup: plan.clone.cgroup,
    cgroupTasks: plan.clone.cgroupTasks,
    before: encodePlan(plan.before),
    beside: encodePlan(plan.beside),
    inside: encodePlan(plan.inside),
    after: encodePlan(plan.after),
  };
}

export function encodeSpec(spec: MonitorSpec): Uint8Array {
  const out = new Writer();
  putFields(out, SPEC_FIELDS, flatSpec(spec));
  return out.finish();
}
