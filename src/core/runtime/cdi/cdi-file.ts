import { parseDocument } from "yaml";

/** What a container gets for a device (CDI specification, "containerEdits"). */
export interface ContainerEdits {
  readonly env: readonly string[];
  readonly deviceNodes: readonly CdiDeviceNode[];
  readonly mounts: readonly CdiMount[];
  readonly hooks: readonly CdiHook[];
  readonly additionalGids: readonly number[];
}

export interface CdiDeviceNode {
  readonly path: string;
  /** Where it is on the host; empty: at the same path. */
  readonly hostPath: string;
  /** Empty: as on the host, and so with a major number of 0. */
  readonly type: string;
  readonly major: number;
  readonly minor: number;
  readonly fileMode?: number;
  /** Letters of `rwm`. */
  readonly permissions: string;
  readonly uid?: number;
  readonly gid?: number;
}

export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly type: string;
  readonly options: readonly string[];
}

export interface CdiHook {
  readonly hookName: string;
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly timeout?: number;
}

export interface CdiDevice {
  /** `vendor/class=name` */
  readonly name: string;
  /** The file's own edits, then the device's. */
  readonly edits: readonly ContainerEdits[];
}

const VENDOR = /^[A-Za-z][A-Za-z0-9_.-]*$/;
const CLASS = /^[A-Za-z][A-Za-z0-9_.-]*$/;
const DEVICE = /^[A-Za-z0-9][A-Za-z0-9_.:-]*$/;
/** Edits that nothing in a plan or in this engine's documents stands for. */
const NO_EDITS = ["netDevices", "intelRdt"];

/** The devices of one specification file, JSON or YAML. @throws `Error` saying what is wrong with it */
export function parseCdiFile(text: string): CdiDevice[] {
  const document = parseDocument(text);
  const [wrong] = document.errors;
  if (wrong) throw wrong;
  const file = objectOf(document.toJS(), "specification");
  if (!/^v?[01]\.\d+\.\d+$/.test(textOf(file, "cdiVersion"))) throw new Error("cdiVersion is missing or unknown");
  const kind = textOf(file, "kind");
  const [vendor = "", type = "", ...rest] = kind.split("/");
  if (rest.length > 0 || !VENDOR.test(vendor) || !CLASS.test(type))
    throw new Error(`kind "${kind}" is no vendor/class`);
  const common = readEdits(file.containerEdits);
  return listOf(file, "devices").map((entry) => {
    const device = objectOf(entry, "device");
    const name = textOf(device, "name");
    if (!DEVICE.test(name)) throw new Error(`invalid device name "${name}"`);
    return { name: `${kind}=${name}`, edits: [common, readEdits(device.containerEdits)] };
  });
}

type Fields = Readonly<Record<string, unknown>>;

function readEdits(value: unknown): ContainerEdits {
  const edits = value === undefined || value === null ? {} : objectOf(value, "containerEdits");
  const unknown = NO_EDITS.find((name) => edits[name] !== undefined);
  if (unknown) throw new Error(`${unknown} cannot act in this engine`);
  return {
    env: textsOf(edits, "env"),
    deviceNodes: listOf(edits, "deviceNodes").map((node) => readNode(objectOf(node, "deviceNode"))),
    mounts: listOf(edits, "mounts").map((mount) => readMount(objectOf(mount, "mount"))),
    hooks: listOf(edits, "hooks").map((hook) => readHook(objectOf(hook, "hook"))),
    additionalGids: listOf(edits, "additionalGids").map(Number),
  };
}

function readNode(node: Fields): CdiDeviceNode {
  return {
    path: absolute(textOf(node, "path"), "device node"),
    hostPath: textOf(node, "hostPath"),
    type: textOf(node, "type"),
    major: numberOf(node, "major") ?? 0,
    minor: numberOf(node, "minor") ?? 0,
    permissions: textOf(node, "permissions"),
    ...given("fileMode", numberOf(node, "fileMode")),
    ...given("uid", numberOf(node, "uid")),
    ...given("gid", numberOf(node, "gid")),
  };
}

function readMount(mount: Fields): CdiMount {
  return {
    hostPath: textOf(mount, "hostPath"),
    containerPath: absolute(textOf(mount, "containerPath"), "mount"),
    type: textOf(mount, "type"),
    options: textsOf(mount, "options"),
  };
}

function readHook(hook: Fields): CdiHook {
  return {
    hookName: textOf(hook, "hookName"),
    path: absolute(textOf(hook, "path"), "hook"),
    args: textsOf(hook, "args"),
    env: textsOf(hook, "env"),
    ...given("timeout", numberOf(hook, "timeout")),
  };
}

function absolute(path: string, what: string): string {
  if (!path.startsWith("/")) throw new Error(`path "${path}" of a ${what} is not absolute`);
  return path;
}

function given<K extends string>(key: K, value: number | undefined): { [key in K]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]: number });
}

function objectOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${what} is not an object`);
  return value as Fields;
}

function listOf(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name] ?? [];
  if (!Array.isArray(value)) throw new Error(`${name} is not a list`);
  return value;
}

function textsOf(fields: Fields, name: string): string[] {
  return listOf(fields, name).map(String);
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name] ?? "";
  if (typeof value !== "string") throw new Error(`${name} is not a text`);
  return value;
}

function numberOf(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (!Number.isSafeInteger(value)) throw new Error(`${name} is not a number`);
  return value as number;
}
