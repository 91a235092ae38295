import type { CloneSpec, IdMapping, Op, ProcessPlan } from "#executor";
import { MOUNT_ATTR, MS } from "#lib/mount";
import { capabilityNames } from "../linux/capabilities.ts";
import { RLIMITS } from "../linux/rlimits.ts";

/** Columns for the op's name; the longest is `remove-tree`, `mount-tmpfs` and the like. */
const NAME_WIDTH = 15;

/** The plan as people read it: a heading for each section, one op a line, the kernel's numbers as names. */
export function formatPlan({ before, clone, beside, inside, after }: ProcessPlan): string {
  const sections: [string, string[]][] = [
    ["before", before.map(formatOp)],
    ["clone", cloneLines(clone)],
    ["beside", beside.map(formatOp)],
    ["inside", inside.map(formatOp)],
    ["after", after.map(formatOp)],
  ];
  return sections.map(([name, lines]) => [name, ...lines.map((line) => `  ${line}`), ""].join("\n")).join("\n");
}

function cloneLines({ create, join, uidMap, gidMap, cgroup, cgroupTasks }: CloneSpec): string[] {
  return [
    ...(create.length > 0 ? [row("new", create.join(" "))] : []),
    ...join.map(({ kind, path }) => row("join", `${kind} ${path}`)),
    ...(uidMap.length > 0 ? [row("uid-map", idMaps(uidMap))] : []),
    ...(gidMap.length > 0 ? [row("gid-map", idMaps(gidMap))] : []),
    ...(cgroup ? [row("cgroup", cgroup)] : []),
    ...cgroupTasks.map((path) => row("cgroup", path)),
  ];
}

function row(name: string, text: string): string {
  return `${name.padEnd(NAME_WIDTH)} ${text}`.trimEnd();
}

/** One op as a line. */
function formatOp(op: Op): string {
  // The table has an entry for each kind, typed for that kind; TypeScript cannot see that `op.op` picks the right one.
  const describe = DESCRIBE[op.op] as (op: Op) => readonly string[];
  return row(
    op.op,
    describe(op)
      .filter((part) => part !== "")
      .join(" "),
  );
}

type Describers = { readonly [kind in Op["op"]]: (op: Extract<Op, { op: kind }>) => readonly string[] };

const DESCRIBE: Describers = {
  mkdir: ({ path, mode, parents }) => [quoted(path), octal(mode), parents ? "parents" : ""],
  write: ({ path, data, mode }) => [quoted(path), JSON.stringify(data), mode ? octal(mode) : ""],
  remove: ({ path, retryMs }) => [quoted(path), retryMs ? `retry=${retryMs}ms` : ""],
  "remove-tree": ({ path }) => [quoted(path)],
  read: ({ path, limitBytes }) => [quoted(path), `limit=${limitBytes}`],
  "read-in-root": ({ root, target, limitBytes }) => [quoted(target), `root=${quoted(root)}`, `limit=${limitBytes}`],
  extract: ({ root, target, mode, uid, gid }) => [
    quoted(text(target)),
    `root=${quoted(root)}`,
    octal(mode),
    `owner=${uid}:${gid}`,
  ],
  "extract-link": ({ root, target, linkTo }) => [
    quoted(text(target)),
    "to",
    quoted(text(linkTo)),
    `root=${quoted(root)}`,
  ],
  "sync-filesystem": ({ path }) => [quoted(path)],
  datagrams: ({ path, messages }) => [quoted(path), `${messages.length} bytes`],
  connect: ({ path }) => [quoted(path)],
  resolve: ({ target }) => [quoted(text(target))],
  walk: ({ root, target, below, content }) => [
    quoted(text(target)),
    setting("root", root),
    setting("below", below),
    content ? "content" : "",
  ],
  receive: ({ target }) => [quoted(text(target))],
  place: ({ target, mode, uid, gid }) => [quoted(text(target)), octal(mode), `owner=${uid}:${gid}`],
  "place-link": ({ target, linkTo }) => [quoted(text(target)), "to", quoted(text(linkTo))],
  "place-time": ({ target, seconds }) => [quoted(text(target)), String(seconds)],
  "cgroup-devices": ({ path, program }) => [quoted(path), `${program.length / 8} instructions`],
  "kill-cgroup": ({ path }) => [quoted(path)],
  netlink: ({ protocol, messages, what }) => [
    protocol === 12 ? "netfilter" : protocol === 0 ? "route" : String(protocol),
    what,
    `(${messages.length} bytes)`,
  ],
  propagation: ({ path, flags }) => [quoted(path), propagationName(flags)],
  "mount-erofs": ({ path, image, devices }) => [quoted(image), "on", quoted(path), list("devices", devices)],
  "mount-overlay": ({ path, lower, upper, work, options }) => [
    quoted(path),
    list("lower", lower),
    setting("upper", upper),
    setting("work", work),
    options.join(","),
  ],
  "mount-bind": ({ path, source, flags }) => [quoted(source), "on", quoted(path), flagNames(MS, flags)],
  "mount-tmpfs": ({ path, flags, options }) => [quoted(path), flagNames(MS, flags), options.join(",")],
  "mount-root-of": ({ pid, path }) => [`process ${pid}`, "on", quoted(path)],
  "mount-filesystem": ({ path, type, source, flags, data }) => [
    type,
    quoted(source),
    "on",
    quoted(path),
    flagNames(MS, flags),
    data,
  ],
  "mount-beneath": ({ path, root, target }) => [quoted(target), "on", quoted(path), `root=${quoted(root)}`],
  umount: ({ path, detach }) => [quoted(path), detach ? "detach" : ""],
  root: ({ path }) => [quoted(path)],
  mount: ({ target, type, source, flags, options, copyUp }) => [
    type,
    quoted(source),
    "on",
    quoted(target),
    flagNames(MS, flags),
    options.join(","),
    copyUp ? "copy-up" : "",
  ],
  bind: (op) => [
    quoted(op.source),
    "on",
    quoted(op.target),
    op.create,
    op.recursive ? "recursive" : "",
    attributes("set", op.set, op.recursiveAttributes),
    attributes("clear", op.clear, op.recursiveAttributes),
    propagationName(op.propagation),
    op.uidMap.length > 0 ? `uids=${idMaps(op.uidMap)}` : "",
    op.gidMap.length > 0 ? `gids=${idMaps(op.gidMap)}` : "",
  ],
  device: ({ target, type, major, minor, mode, uid, gid }) => [
    quoted(target),
    `${type} ${major}:${minor}`,
    octal(mode),
    uid || gid ? `owner=${uid}:${gid}` : "",
  ],
  symlink: ({ target, linkTo }) => [quoted(target), "to", quoted(linkTo)],
  "mkdir-in-root": ({ target, mode, uid, gid }) => [quoted(target), octal(mode), `owner=${uid}:${gid}`],
  console: () => [],
  pivot: ({ propagation, readonly }) => [propagationName(propagation), readonly ? "read-only" : ""],
  mask: ({ target }) => [quoted(target)],
  readonly: ({ target }) => [quoted(target)],
  sysctl: ({ key, value }) => [key, "=", JSON.stringify(value)],
  hostname: ({ name }) => [quoted(name)],
  domainname: ({ name }) => [quoted(name)],
  rlimit: ({ resource, soft, hard }) => [RLIMITS[resource] ?? String(resource), `${limit(soft)}:${limit(hard)}`],
  "oom-score-adj": ({ value }) => [String(value)],
  capabilities: capabilitySets,
  "no-new-privs": () => [],
  seccomp: ({ filter, flags }) => [`${filter.length / 8} instructions`, flags ? flagNames(SECCOMP_FLAGS, flags) : ""],
  user: ({ uid, gid, groups, umask }) => [`${uid}:${gid}`, list("groups", groups.map(String)), `umask=${octal(umask)}`],
  apparmor: ({ profile }) => [quoted(profile)],
  cwd: ({ path, create }) => [quoted(path), create ? "create" : ""],
  exec: ({ argv, env, init }) => [
    argv.map((argument) => JSON.stringify(argument)).join(" "),
    init ? "with init" : "",
    `env=[${env.map((variable) => JSON.stringify(variable)).join(" ")}]`,
  ],
  enter: ({ pid, namespaces }) => [`pid=${pid}`, namespaces.join(" ")],
  "unshare-mounts": () => [],
  "enter-host-mounts": () => [],
};

const SECCOMP_FLAGS = { TSYNC: 1, LOG: 2, SPEC_ALLOW: 4 };

const SETS = ["bounding", "effective", "permitted", "inheritable", "ambient"] as const;

/** Equal sets share a line's worth of names; empty ones are left out. */
function capabilitySets(op: Extract<Op, { op: "capabilities" }>): string[] {
  const masks = [...new Set(SETS.map((set) => op[set]))].filter((mask) => mask !== 0n);
  if (masks.length === 0) return ["none"];
  return masks.map((mask) => {
    const sets = SETS.filter((set) => op[set] === mask).join("+");
    const names = capabilityNames(mask).map((name) => name.slice("CAP_".length).toLowerCase());
    return `${sets}=${names.join(",")}`;
  });
}

/** As mount options spell it: `rslave`. */
function propagationName(flags: number): string {
  return `${flags & MS.REC ? "r" : ""}${flagNames(MS, flags & ~MS.REC)}`;
}

/** The names of the set bits; what has no name stays a number. */
function flagNames(table: Readonly<Record<string, number>>, flags: number): string {
  const named = Object.entries(table).filter(([, bit]) => bit !== 0 && (flags & bit) === bit);
  const rest = named.reduce((left, [, bit]) => left & ~bit, flags);
  const names = named.map(([name]) => name.toLowerCase());
  return [...names, ...(rest ? [`0x${rest.toString(16)}`] : [])].join(",");
}

function attributes(verb: "set" | "clear", flags: number, recursive: boolean): string {
  if (!flags) return "";
  const { ATIME_MASK, ...bits } = MOUNT_ATTR;
  const whole = (flags & ATIME_MASK) === ATIME_MASK;
  const names = [flagNames(bits, whole ? flags & ~ATIME_MASK : flags), whole ? "atime" : ""].filter(Boolean).join(",");
  return `${verb}${recursive ? "-all" : ""}=${names}`;
}

function idMaps(maps: readonly IdMapping[]): string {
  return maps.map(({ containerId, hostId, size }) => `${containerId}:${hostId}:${size}`).join(",");
}

function list(name: string, values: readonly string[]): string {
  return values.length > 0 ? `${name}=${values.map(quoted).join(",")}` : "";
}

function setting(name: string, value: string): string {
  return value ? `${name}=${quoted(value)}` : "";
}

/** Paths as they are, unless a blank or a control character could pass for the end of one. */
function quoted(text: string): string {
  return /^[\x21-\x7e]+$/.test(text) && !text.includes('"') ? text : JSON.stringify(text);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function octal(mode: number): string {
  return `0${mode.toString(8)}`;
}

function limit(value: number): string {
  return value < 0 ? "unlimited" : String(value);
}
