/**
 * Devices by the Container Device Interface: vendors describe in files what a container needs of the host to use a device, and a
 * device request with the driver `cdi` names such devices.
 */
import type { DeviceRequest, HostConfig } from "#api/engine";
import type { Hooks, Spec, SpecDevice, SpecMount } from "#api/oci";
import { invalid } from "../errors.ts";
import type { HostReader } from "../host/reader.ts";
import { mergeEnvironment } from "../spec/process.ts";
import { type CdiDevice, type CdiDeviceNode, type ContainerEdits, parseCdiFile } from "./cdi-file.ts";

/** Where vendors put them, and where their tools do at run time; what is found later counts. */
export const CDI_DIRECTORIES = ["/etc/cdi", "/var/run/cdi"];

/**
 * The devices that a container asks for.
 *
 * @throws `invalid-parameter`, in Docker's words, for another driver than `cdi` and for a device that no file describes
 */
export function requestedDevices({ DeviceRequests }: HostConfig, reader: HostReader): CdiDevice[] {
  const names = (DeviceRequests ?? []).flatMap(namesOf);
  if (names.length === 0) return [];
  const known = knownDevices(reader);
  const missing = [...new Set(names)].filter((name) => !known.has(name));
  if (missing.length > 0) throw failed(`unresolvable CDI devices ${missing.join(", ")}`);
  return [...new Set(names)].flatMap((name) => known.get(name) ?? []);
}

function namesOf({ Driver, Count, DeviceIDs, Capabilities, Options }: DeviceRequest): readonly string[] {
  if (Driver !== "cdi") {
    const capabilities = (Capabilities ?? []).map((all) => `[${all.join(" ")}]`).join(" ");
    throw invalid(`could not select device driver "${Driver ?? ""}" with capabilities: [${capabilities}]`);
  }
  if (Count) throw invalid("unexpected count in CDI device request");
  if (Object.keys(Options ?? {}).length > 0) throw invalid("unexpected options in CDI device request");
  return DeviceIDs ?? [];
}

function failed(why: string): Error {
  return invalid(`CDI device injection failed: ${why}`);
}

/** All devices that the files describe. A file that is wrong describes none; a device that two files of a directory describe is none. */
function knownDevices(reader: HostReader): Map<string, CdiDevice> {
  const known = new Map<string, CdiDevice>();
  for (const directory of CDI_DIRECTORIES) {
    const found = reader
      .list(directory)
      .filter((name) => /\.(json|yaml)$/.test(name))
      .flatMap((name) => devicesOf(reader.readText(`${directory}/${name}`) ?? ""));
    for (const device of found) {
      if (found.filter(({ name }) => name === device.name).length > 1) known.delete(device.name);
      else known.set(device.name, device);
    }
  }
  return known;
}

function devicesOf(text: string): CdiDevice[] {
  try {
    return parseCdiFile(text);
  } catch {
    return [];
  }
}

/** A document with what its devices need. @throws `invalid-parameter` for a device node that is not there */
export function injectDevices(spec: Spec, devices: readonly CdiDevice[], reader: HostReader): Spec {
  const edits = devices.flatMap((device) => device.edits);
  return edits.reduce((edited, each) => applyEdits(edited, each, reader), spec);
}

function applyEdits(spec: Spec, edits: ContainerEdits, reader: HostReader): Spec {
  const { process, linux = {} } = spec;
  const nodes = edits.deviceNodes.map((node) => ({ node, device: deviceOf(node, spec, reader) }));
  const rules = nodes
    .filter(({ device }) => device.type === "b" || device.type === "c")
    .map(({ node, device: { type, major = 0, minor = 0 } }) => {
      return { allow: true, type: type as "b" | "c", major, minor, access: node.permissions || "rwm" };
    });
  const hooks = withHooks(spec.hooks, edits);
  return {
    ...spec,
    ...(process ? { process: withProcess(process, edits) } : {}),
    mounts: byDepth([...(spec.mounts ?? []), ...edits.mounts.map(mountOf)]),
    ...(hooks ? { hooks } : {}),
    linux: {
      ...linux,
      ...(nodes.length > 0 ? { devices: [...(linux.devices ?? []), ...nodes.map(({ device }) => device)] } : {}),
      resources: { ...linux.resources, devices: [...(linux.resources?.devices ?? []), ...rules] },
    },
  };
}

function withProcess(process: NonNullable<Spec["process"]>, { env, additionalGids }: ContainerEdits) {
  const groups = [...(process.user.additionalGids ?? []), ...additionalGids.filter((gid) => gid !== 0)];
  return {
    ...process,
    env: mergeEnvironment(process.env ?? [], env),
    user: { ...process.user, additionalGids: [...new Set(groups)] },
  };
}

function deviceOf(node: CdiDeviceNode, { process }: Spec, reader: HostReader): SpecDevice {
  const { type, major, minor } = node.type === "p" || (node.type && node.major) ? node : onHost(node, reader);
  const { uid = process?.user.uid || undefined, gid = process?.user.gid || undefined } = node;
  return {
    path: node.path,
    type: type as SpecDevice["type"],
    major,
    minor,
    ...(node.fileMode === undefined ? {} : { fileMode: node.fileMode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
}

function onHost(node: CdiDeviceNode, reader: HostReader): { type: string; major: number; minor: number } {
  const path = node.hostPath || node.path;
  const found = reader.stat(path);
  if (!found) throw failed(`failed to stat CDI host device "${path}": no such file or directory`);
  const type = { char: "c", block: "b", fifo: "p", file: "", directory: "", socket: "" }[found.kind];
  if (type === "") throw failed(`CDI host device "${path}": not a device node`);
  if (node.type && node.type !== type && !(node.type === "u" && type === "c")) {
    throw failed(`CDI device ("${node.path}", "${path}"), host type mismatch (${node.type}, ${type})`);
  }
  return { type, major: found.major, minor: found.minor };
}

function mountOf({ hostPath, containerPath, type, options }: ContainerEdits["mounts"][number]): SpecMount {
  return { destination: containerPath, type: type || "bind", source: hostPath, options };
}

/** Outer before inner; of equal ones the order stays. */
function byDepth(mounts: readonly SpecMount[]): SpecMount[] {
  const depth = ({ destination }: SpecMount) => destination.split("/").length;
  return [...mounts].sort((a, b) => depth(a) - depth(b));
}

const HOOKS: readonly (keyof Hooks)[] = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
];

function withHooks(hooks: Hooks | undefined, { hooks: added }: ContainerEdits): Hooks | undefined {
  if (added.length === 0) return hooks;
  const unknown = added.find(({ hookName }) => !HOOKS.includes(hookName as keyof Hooks));
  if (unknown) throw failed(`unknown hook name "${unknown.hookName}"`);
  return Object.fromEntries(
    HOOKS.map((name) => {
      const own = added.filter(({ hookName }) => hookName === name).map(({ hookName: _, ...hook }) => hook);
      return [name, [...(hooks?.[name] ?? []), ...own]];
    }),
  );
}
