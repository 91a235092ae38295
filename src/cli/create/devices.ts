import type { DeviceMapping, DeviceRequest, ThrottleDevice } from "#api/engine";
import { EngineError } from "#lib/errors";
import { parseBytes } from "../values/sizes.ts";

const CDI_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z0-9]?\/[A-Za-z0-9][A-Za-z0-9_.-]*=[A-Za-z0-9][A-Za-z0-9_.:-]*$/;

/** Devices of the host by path, and those that a container device interface (CDI) knows by name. */
export function parseDevices(devices: readonly string[]): { paths: DeviceMapping[]; requests: DeviceRequest[] } {
  const cdi = devices.filter((device) => CDI_NAME.test(device));
  const paths = devices.filter((device) => !CDI_NAME.test(device)).map(parseDevice);
  if (cdi.length === 0) return { paths, requests: [] };
  // The engine tells "not set" from "empty", and Go clients send null for what is not set.
  const unset = { Capabilities: null, Options: null } as unknown as DeviceRequest;
  return { paths, requests: [{ Driver: "cdi", Count: 0, DeviceIDs: cdi, ...unset }] };
}

/** `/dev/host[:/dev/container][:rwm]`. */
function parseDevice(text: string): DeviceMapping {
  const parts = text.split(":");
  const [onHost = "", second, third] = parts;
  if (parts.length > 3 || onHost === "") throw invalid(`bad format for path: ${text}`);
  let inContainer = onHost;
  let permissions = "rwm";
  if (second !== undefined && parts.length === 2 && isMode(second)) permissions = second;
  else if (second !== undefined && second !== "") inContainer = second;
  if (third !== undefined) {
    if (!isMode(third)) throw invalid(`bad mode specified: ${third}`);
    permissions = third;
  }
  if (!onHost.startsWith("/")) throw invalid(`${onHost} is not an absolute path`);
  if (!inContainer.startsWith("/")) throw invalid(`${inContainer} is not an absolute path`);
  return { PathOnHost: onHost, PathInContainer: inContainer, CgroupPermissions: permissions };
}

function isMode(text: string): boolean {
  return /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;
}

export function checkDeviceCgroupRule(text: string): string {
  if (!/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/.test(text)) throw invalid(`invalid device cgroup format '${text}'`);
  return text;
}

/** `/dev/sda:1mb` or `/dev/sda:1000`. */
export function parseDeviceRate(text: string, unit: "bytes" | "operations"): ThrottleDevice {
  const { path, value } = splitDevice(text);
  const form = unit === "bytes" ? "<device-path>:<number>[<unit>]" : "<device-path>:<number>";
  const units = unit === "bytes" ? ". Unit is optional and can be kb, mb, or gb" : "";
  const fault = `invalid rate for device: ${text}. The correct format is ${form}. Number must be a positive integer${units}`;
  if (unit === "operations") {
    if (!/^\d{1,19}$/.test(value)) throw invalid(fault);
    return { Path: path, Rate: Number(value) };
  }
  try {
    return { Path: path, Rate: parseBytes(value) };
  } catch (cause) {
    throw new EngineError("invalid-parameter", fault, { cause });
  }
}

/** `/dev/sda:200`. */
export function parseBlkioWeight(text: string): { Path: string; Weight: number } {
  const { path, value } = splitDevice(text);
  const weight = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (!(weight === 0 || (weight >= 10 && weight <= 1000))) throw invalid(`invalid weight for device: ${text}`);
  return { Path: path, Weight: weight };
}

function splitDevice(text: string): { path: string; value: string } {
  const colon = text.indexOf(":");
  if (colon <= 0) throw invalid(`bad format: ${text}`);
  const path = text.slice(0, colon);
  if (!path.startsWith("/dev/")) throw invalid(`bad format for device path: ${text}`);
  return { path, value: text.slice(colon + 1) };
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
