import type { ContainerConfig } from "#api/engine";
import type { Wire } from "./wire.ts";

const ZERO: Wire<ContainerConfig> = {
  Hostname: "",
  Domainname: "",
  User: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: "",
  Volumes: null,
  WorkingDir: "",
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};

/** Fields that Go leaves out when they are empty or false. */
const OMIT_EMPTY = [
  "ArgsEscaped",
  "ExposedPorts",
  "Healthcheck",
  "MacAddress",
  "NetworkDisabled",
  "Shell",
  "StopSignal",
  "StopTimeout",
] as const;

/** The document as inspect shows it: every field, in Docker's spelling of emptiness. */
export function containerConfigView(config: ContainerConfig): Wire<ContainerConfig> {
  const view: Record<string, unknown> = { ...ZERO };
  for (const [key, value] of Object.entries(config)) {
    if (value !== undefined && value !== null) view[key] = value;
  }
  for (const key of OMIT_EMPTY) if (isEmpty(view[key])) delete view[key];
  return view;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === false || value === "") return true;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
