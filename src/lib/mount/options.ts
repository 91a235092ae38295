import { MOUNT_ATTR, MS } from "./flags.ts";

/** The options of a runtime-spec mount, sorted by who acts on them. */
export interface MountOptions {
  /** MS_* of a fresh mount. */
  readonly flags: number;
  /** MOUNT_ATTR_* to set and clear on a bind mount, which has the source's attributes otherwise. */
  readonly set: number;
  readonly clear: number;
  /** An `r…` option asked for the attributes on everything below too. */
  readonly recursiveAttributes: boolean;
  /** MS_PRIVATE … with MS_REC or not; 0: none asked. */
  readonly propagation: number;
  readonly bind: boolean;
  readonly recursive: boolean;
  readonly copyUp: boolean;
  readonly idmap: boolean;
  /** What is left is the filesystem's. */
  readonly data: readonly string[];
}

/** Each flag's name, the name that undoes it, and its value for mount(2) and for mount_setattr(2) (0: it has none). */
const FLAGS: readonly (readonly [set: string, undo: string, ms: number, attribute: number])[] = [
  ["ro", "rw", MS.RDONLY, MOUNT_ATTR.RDONLY],
  ["nosuid", "suid", MS.NOSUID, MOUNT_ATTR.NOSUID],
  ["nodev", "dev", MS.NODEV, MOUNT_ATTR.NODEV],
  ["noexec", "exec", MS.NOEXEC, MOUNT_ATTR.NOEXEC],
  ["noatime", "atime", MS.NOATIME, MOUNT_ATTR.NOATIME],
  ["strictatime", "nostrictatime", MS.STRICTATIME, MOUNT_ATTR.STRICTATIME],
  ["relatime", "norelatime", MS.RELATIME, MOUNT_ATTR.RELATIME],
  ["nodiratime", "diratime", MS.NODIRATIME, MOUNT_ATTR.NODIRATIME],
  ["nosymfollow", "symfollow", MS.NOSYMFOLLOW, MOUNT_ATTR.NOSYMFOLLOW],
  ["sync", "async", MS.SYNCHRONOUS, 0],
  ["dirsync", "nodirsync", MS.DIRSYNC, 0],
  ["mand", "nomand", MS.MANDLOCK, 0],
  ["iversion", "noiversion", MS.I_VERSION, 0],
  ["lazytime", "nolazytime", MS.LAZYTIME, 0],
  ["silent", "loud", MS.SILENT, 0],
];

const PROPAGATION: Readonly<Record<string, number>> = {
  private: MS.PRIVATE,
  slave: MS.SLAVE,
  shared: MS.SHARED,
  unbindable: MS.UNBINDABLE,
  rprivate: MS.PRIVATE | MS.REC,
  rslave: MS.SLAVE | MS.REC,
  rshared: MS.SHARED | MS.REC,
  runbindable: MS.UNBINDABLE | MS.REC,
};

const ACCESS_TIMES = ["noatime", "strictatime", "relatime"];

/** Sorts mount options (runtime-spec config-linux.md, "Linux mount options"). Later ones win over earlier ones. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const parsed = {
    flags: 0,
    set: 0,
    clear: 0,
    recursiveAttributes: false,
    propagation: 0,
    bind: false,
    recursive: false,
    copyUp: false,
    idmap: false,
    data: [] as string[],
  };
  for (const option of options) {
    const propagation = PROPAGATION[option];
    if (propagation !== undefined) parsed.propagation = propagation;
    else if (option === "bind" || option === "rbind") {
      parsed.bind = true;
      parsed.recursive = option === "rbind";
    } else if (option === "tmpcopyup") parsed.copyUp = true;
    else if (option === "idmap" || option === "ridmap") parsed.idmap = true;
    else if (option !== "defaults" && !applyFlag(option, parsed)) parsed.data.push(option);
  }
  return parsed;
}

type Flags = { flags: number; set: number; clear: number; recursiveAttributes: boolean };

/** `rro` and its like are the attribute for the whole tree; but `relatime` and `rw` are themselves. */
function applyFlag(option: string, parsed: Flags): boolean {
  if (applyNamed(option, parsed)) return true;
  if (!option.startsWith("r") || !applyNamed(option.slice(1), parsed)) return false;
  parsed.recursiveAttributes = true;
  return true;
}

function applyNamed(option: string, parsed: Flags): boolean {
  const entry = FLAGS.find(([set, undo]) => set === option || undo === option);
  if (!entry) return false;
  const [name, , ms, attribute] = entry;
  const on = name === option;
  parsed.flags = on ? parsed.flags | ms : parsed.flags & ~ms;
  if (ACCESS_TIMES.includes(name)) {
    // One field: whatever value it gets, the whole of it is cleared first.
    parsed.clear |= MOUNT_ATTR.ATIME_MASK;
    parsed.set = (parsed.set & ~MOUNT_ATTR.ATIME_MASK) | (on ? attribute : 0);
  } else {
    parsed.set = on ? parsed.set | attribute : parsed.set & ~attribute;
    parsed.clear = on ? parsed.clear & ~attribute : parsed.clear | attribute;
  }
  return true;
}

/** The propagation of `linux.rootfsPropagation`. */
export function propagationFlags(name: string): number {
  return PROPAGATION[name] ?? 0;
}
