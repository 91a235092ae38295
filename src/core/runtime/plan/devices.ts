import { posix } from "node:path";
import type { Spec, SpecDevice } from "#api/oci";
import type { InsideOp } from "#executor";
import { parseMountOptions } from "#lib/mount";
import { invalid } from "../errors.ts";
import type { HostReader } from "../host/reader.ts";

/** What every container finds in /dev (config-linux.md, "Default Devices"). */
const DEFAULT_DEVICES: readonly SpecDevice[] = [
  { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o666 },
  { path: "/dev/random", type: "c", major: 1, minor: 8, fileMode: 0o666 },
  { path: "/dev/full", type: "c", major: 1, minor: 7, fileMode: 0o666 },
  { path: "/dev/tty", type: "c", major: 5, minor: 0, fileMode: 0o666 },
  { path: "/dev/zero", type: "c", major: 1, minor: 5, fileMode: 0o666 },
  { path: "/dev/urandom", type: "c", major: 1, minor: 9, fileMode: 0o666 },
];

const LINKS = [
  ["/dev/ptmx", "pts/ptmx"],
  ["/dev/fd", "/proc/self/fd"],
  ["/dev/stdin", "/proc/self/fd/0"],
  ["/dev/stdout", "/proc/self/fd/1"],
  ["/dev/stderr", "/proc/self/fd/2"],
] as const;

/** Device nodes, the usual links and the console; nothing where /dev is somebody else's, bound from the host. */
export function deviceOps({ mounts, linux, process }: Spec, reader: HostReader): InsideOp[] {
  if (mounts?.some(({ destination, type, options }) => isDev(destination) && isBind(type, options))) return [];
  const devices = new Map([...DEFAULT_DEVICES, ...(linux?.devices ?? [])].map((device) => [device.path, device]));
  const links = reader.stat("/proc/kcore") ? [...LINKS, ["/dev/core", "/proc/kcore"] as const] : LINKS;
  const taken = new Set(links.map(([target]): string => target));
  return [
    ...[...devices.values()].filter(({ path }) => !taken.has(path)).map(deviceOp),
    ...links.map(([target, linkTo]): InsideOp => ({ op: "symlink", target, linkTo })),
    ...(process?.terminal ? [{ op: "console" } as const] : []),
  ];
}

function isDev(destination: string): boolean {
  return posix.normalize(destination).replace(/\/$/, "") === "/dev";
}

function isBind(type: string | undefined, options: readonly string[] | undefined): boolean {
  return type === "bind" || parseMountOptions(options ?? []).bind;
}

function deviceOp(device: SpecDevice): InsideOp {
  const { path, type, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 } = device;
  if (!path.startsWith("/")) throw invalid(`device path "${path}" is not absolute`);
  // `u` is an unbuffered character device, which Linux does not tell apart.
  const kind = type === "u" ? "c" : type;
  return {
    op: "device",
    target: posix.normalize(path),
    type: kind,
    major,
    minor,
    mode: fileMode,
    uid,
    gid,
    hostPath: path,
  };
}
