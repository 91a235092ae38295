import { isAbsolute, resolve } from "node:path";
import type { Mount } from "#api/engine";
import { EngineError } from "#lib/errors";
import { parseCsvLine } from "../values/csv.ts";
import { parseBytes } from "../values/sizes.ts";

/** The options of each type of mount that were given, before they are checked against the type. */
interface Draft {
  type: string;
  source?: string;
  target?: string;
  readOnly?: boolean;
  consistency?: string;
  bind?: NonNullable<Mount["BindOptions"]>;
  bindRecursive?: string;
  volume?: NonNullable<Mount["VolumeOptions"]>;
  image?: NonNullable<Mount["ImageOptions"]>;
  tmpfs?: NonNullable<Mount["TmpfsOptions"]>;
}

type Setter = (draft: Draft, value: string, key: string) => void;

const source: Setter = (draft, value) => {
  draft.source = value;
};
const target: Setter = (draft, value) => {
  draft.target = value;
};
const readOnly: Setter = (draft, value, key) => {
  draft.readOnly = parseSwitch(value, key);
};

const SETTERS: Readonly<Record<string, Setter>> = {
  type: (draft, value) => {
    draft.type = value.toLowerCase();
  },
  source,
  src: source,
  target,
  dst: target,
  destination: target,
  readonly: readOnly,
  ro: readOnly,
  consistency: (draft, value) => {
    draft.consistency = value.toLowerCase();
  },
  "bind-propagation": (draft, value) => {
    draft.bind = { ...draft.bind, Propagation: value.toLowerCase() as "private" };
  },
  "bind-nonrecursive": (draft, value, key) => {
    draft.bind = { ...draft.bind, NonRecursive: parseSwitch(value, key) };
  },
  "bind-recursive": (draft, value) => {
    if (!["enabled", "disabled", "writable", "readonly"].includes(value)) {
      throw invalid(
        `invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
      );
    }
    draft.bindRecursive = value;
    draft.bind = { ...draft.bind, ...bindRecursion(value) };
  },
  "volume-subpath": (draft, value) => {
    draft.volume = { ...draft.volume, Subpath: value };
  },
  "volume-nocopy": (draft, value, key) => {
    draft.volume = { ...draft.volume, NoCopy: parseSwitch(value, key) };
  },
  "volume-label": (draft, value) => {
    draft.volume = { ...draft.volume, Labels: { ...draft.volume?.Labels, ...keyValue(value) } };
  },
  "volume-driver": (draft, value) => {
    draft.volume = { ...draft.volume, DriverConfig: { ...draft.volume?.DriverConfig, Name: value } };
  },
  "volume-opt": (draft, value) => {
    const config = draft.volume?.DriverConfig;
    draft.volume = {
      ...draft.volume,
      DriverConfig: { ...config, Options: { ...config?.Options, ...keyValue(value) } },
    };
  },
  "image-subpath": (draft, value) => {
    draft.image = { Subpath: value };
  },
  "tmpfs-size": (draft, value) => {
    draft.tmpfs = { ...draft.tmpfs, SizeBytes: parseTmpfsSize(value) };
  },
  "tmpfs-mode": (draft, value) => {
    if (!/^[0-7]{1,11}$/.test(value)) throw invalid(`invalid value for tmpfs-mode: ${value}`);
    draft.tmpfs = { ...draft.tmpfs, Mode: Number.parseInt(value, 8) };
  },
};

/** Keys that may stand without a value. */
const SWITCHES = ["readonly", "ro", "volume-nocopy", "bind-nonrecursive"];

/** `type=bind,source=/a,target=/b,readonly`: fields as CSV, keys in any case, the type `volume` unless given. */
export function parseMount(text: string): Mount {
  const draft: Draft = { type: "volume" };
  for (const field of parseCsvLine(text)) {
    const equals = field.indexOf("=");
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    if (equals < 0 && !SWITCHES.includes(key)) throw invalid(`invalid field '${field}' must be a key=value pair`);
    const set = Object.hasOwn(SETTERS, key) ? SETTERS[key] : undefined;
    if (set === undefined) throw invalid(`unexpected key '${key}' in '${field}'`);
    set(draft, equals < 0 ? "true" : field.slice(equals + 1), key);
  }
  checkDraft(draft);
  return toMount(draft);
}

/** Paths that begin with a dot are of the working directory of the command; the engine knows only its own. */
export function resolveMountSource(mount: Mount, cwd: string): Mount {
  if (mount.Type !== "bind" || mount.Source === undefined || !/^\.{1,2}($|\/)/.test(mount.Source)) return mount;
  return { ...mount, Source: isAbsolute(mount.Source) ? mount.Source : resolve(cwd, mount.Source) };
}

function checkDraft(draft: Draft): void {
  if (draft.type === "") throw invalid("type is required");
  if (draft.target === undefined || draft.target === "") throw invalid("target is required");
  const foreign: readonly (readonly [string, unknown])[] = [
    ["bind", draft.bind],
    ["volume", draft.volume],
    ["image", draft.image],
    ["tmpfs", draft.tmpfs],
  ];
  for (const [type, options] of foreign) {
    if (options !== undefined && type !== draft.type) {
      throw invalid(`cannot mix '${type}-*' options with mount type '${draft.type}'`);
    }
  }
  if (draft.bindRecursive === "writable" || draft.bindRecursive === "readonly") {
    const option = `option 'bind-recursive=${draft.bindRecursive}'`;
    if (draft.readOnly !== true) throw invalid(`${option} requires 'readonly' to be specified in conjunction`);
    if (draft.bindRecursive === "readonly" && draft.bind?.Propagation !== "rprivate") {
      throw invalid(`${option} requires 'bind-propagation=rprivate' to be specified in conjunction`);
    }
  }
}

function toMount(draft: Draft): Mount {
  return {
    Type: draft.type as "bind",
    ...(draft.source === undefined || draft.source === "" ? {} : { Source: draft.source }),
    ...(draft.target === undefined ? {} : { Target: draft.target }),
    ...(draft.readOnly === true ? { ReadOnly: true } : {}),
    ...(draft.consistency === undefined ? {} : { Consistency: draft.consistency }),
    ...(draft.bind === undefined ? {} : { BindOptions: withoutFalse(draft.bind) }),
    ...(draft.volume === undefined ? {} : { VolumeOptions: { DriverConfig: {}, ...withoutFalse(draft.volume) } }),
    ...(draft.image === undefined ? {} : { ImageOptions: draft.image }),
    ...(draft.tmpfs === undefined ? {} : { TmpfsOptions: draft.tmpfs }),
  };
}

function bindRecursion(value: string): NonNullable<Mount["BindOptions"]> {
  if (value === "disabled") return { NonRecursive: true };
  if (value === "writable") return { ReadOnlyNonRecursive: true };
  return value === "readonly" ? { ReadOnlyForceRecursive: true } : {};
}

function withoutFalse<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== false)) as T;
}

function keyValue(text: string): Record<string, string> {
  const equals = text.indexOf("=");
  return equals < 0 ? { [text]: "" } : { [text.slice(0, equals)]: text.slice(equals + 1) };
}

function parseSwitch(text: string, key: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw invalid(`invalid value for ${key}: ${text}`);
}

function parseTmpfsSize(text: string): number {
  try {
    return parseBytes(text);
  } catch (cause) {
    throw new EngineError("invalid-parameter", `invalid value for tmpfs-size: ${text}`, { cause });
  }
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
