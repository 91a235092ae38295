import type { DeviceMapping, HostConfig } from "#api/engine";
import type { DeviceRule, SpecDevice } from "#api/oci";
import { invalid } from "../errors.ts";
import type { HostReader } from "../host/reader.ts";
import { DEVICE_RULES } from "./defaults.ts";

type DeviceOptions = Pick<HostConfig, "Privileged" | "Devices" | "DeviceCgroupRules">;

/**
 * The device nodes a container has besides the usual ones, and the rules of its device cgroup.
 *
 * @throws `invalid-parameter` in Docker's words for a device that is not there and for a malformed rule
 */
export function buildDevices(
  options: DeviceOptions,
  reader: HostReader,
): { devices: SpecDevice[]; rules: readonly DeviceRule[] } {
  const mapped = (options.Devices ?? []).map((mapping) => ({ mapping, devices: mappedDevices(mapping, reader) }));
  const devices = mapped.flatMap((entry) => entry.devices);
  const own = (options.DeviceCgroupRules ?? []).map(parseRule);
  if (options.Privileged) {
    return {
      devices: [...allDevices("/dev", reader), ...devices],
      rules: [...DEVICE_RULES, { allow: true, access: "rwm" }],
    };
  }
  const rules = mapped.flatMap(({ mapping, devices }) => devices.map((device) => deviceRule(device, mapping)));
  return { devices, rules: [...DEVICE_RULES, ...rules, ...own] };
}

function deviceRule(device: SpecDevice, { CgroupPermissions: access = "rwm" }: DeviceMapping): DeviceRule {
  const type = device.type === "b" ? "b" : "c";
  return { allow: true, type, major: device.major ?? 0, minor: device.minor ?? 0, access: access || "rwm" };
}

function mappedDevices(
  { PathOnHost = "", PathInContainer, CgroupPermissions }: DeviceMapping,
  reader: HostReader,
): SpecDevice[] {
  const wrong = (why: string) =>
    invalid(`error gathering device information while adding custom device "${PathOnHost}": ${why}`);
  const target = PathInContainer || PathOnHost;
  if (!PathOnHost.startsWith("/") || !target.startsWith("/")) throw wrong("not an absolute path");
  if (CgroupPermissions && !/^[rwm]{1,3}$/.test(CgroupPermissions))
    throw wrong(`invalid permissions "${CgroupPermissions}"`);
  const node = reader.stat(PathOnHost);
  if (!node) throw wrong("no such file or directory");
  if (node.kind !== "directory") {
    const device = deviceAt(PathOnHost, target, reader);
    if (!device) throw wrong("not a device node");
    return [device];
  }
  const found = allDevices(PathOnHost, reader);
  return found.map((device) => ({ ...device, path: `${target}${device.path.slice(PathOnHost.length)}` }));
}

/** Directories and files below /dev that hold no devices of the host's hardware (opencontainers/cgroups devices). */
const SKIPPED = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console"]);
/** How deep device directories nest (`/dev/bus/usb/001`), and a bound on loops of symbolic links. */
const DEPTH_LIMIT = 8;

function allDevices(directory: string, reader: HostReader, depth = 0): SpecDevice[] {
  if (depth > DEPTH_LIMIT) return [];
  return reader.list(directory).flatMap((name) => {
    if (SKIPPED.has(name)) return [];
    const path = `${directory === "/" ? "" : directory.replace(/\/$/, "")}/${name}`;
    if (reader.isLink(path)) return [];
    if (reader.stat(path)?.kind === "directory") return allDevices(path, reader, depth + 1);
    return deviceAt(path, path, reader) ?? [];
  });
}

function deviceAt(hostPath: string, path: string, reader: HostReader): SpecDevice | undefined {
  const node = reader.stat(hostPath);
  if (!node) return undefined;
  const type = node.kind === "char" ? "c" : node.kind === "block" ? "b" : undefined;
  if (!type) return undefined;
  const { major, minor, uid, gid } = node;
  return { path, type, major, minor, fileMode: node.mode, uid, gid };
}

/** Reads `c 42:* rmw`. `*` becomes the specification's "every number", a missing field. */
function parseRule(text: string): DeviceRule {
  const match = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/.exec(text);
  if (!match) throw invalid(`invalid device cgroup rule format: '${text}'`);
  const [, type, major, minor, access] = match;
  return {
    allow: true,
    type: type as "a" | "c" | "b",
    ...(major === "*" ? {} : { major: Number(major) }),
    ...(minor === "*" ? {} : { minor: Number(minor) }),
    access: access ?? "rwm",
  };
}
