import type { ContainerConfig } from "#api/engine";
import type { LinkedContainer } from "./links.ts";

interface Port {
  readonly number: number;
  readonly protocol: string;
}

/** What an image sets for itself, and says nothing about a container. */
const NOT_TOLD = ["HOME", "PATH"];

/**
 * The variables by which a container finds a linked one: `DB_NAME`, `DB_PORT`, `DB_PORT_5432_TCP_ADDR`, `DB_ENV_USER` … (moby
 * daemon/links/links.go).
 *
 * @param name `/PARENT/ALIAS`
 */
export function linkEnvironment(name: string, { alias, container }: LinkedContainer): string[] {
  const { config, endpoint } = container;
  const prefix = alias.toUpperCase().replaceAll("-", "_");
  const address = endpoint?.address ?? "";
  const ports = exposedPorts(config);
  const url = ({ number, protocol }: Port) => `${protocol}://${address}:${number}`;
  const [first] = ports;
  return [
    ...(first ? [`${prefix}_PORT=${url(first)}`] : []),
    ...portRuns(ports).flatMap((run) => runVariables(prefix, run, address, url)),
    ...ports.flatMap((port) => portVariables(prefix, port, address, url)),
    `${prefix}_NAME=${name}`,
    ...told(config).map((entry) => `${prefix}_ENV_${entry}`),
  ];
}

/** TCP first, then by number. */
function exposedPorts({ ExposedPorts }: ContainerConfig): Port[] {
  const ports = Object.keys(ExposedPorts ?? {}).map((key) => {
    const [number, protocol = "tcp"] = key.split("/");
    return { number: Number(number), protocol };
  });
  const rank = ({ protocol }: Port) => (protocol === "tcp" ? 0 : 1);
  return ports.sort((a, b) => rank(a) - rank(b) || a.number - b.number);
}

type Url = (port: Port) => string;

function portVariables(prefix: string, port: Port, address: string, url: Url): string[] {
  const base = variable(prefix, port);
  return [
    `${base}=${url(port)}`,
    `${base}_ADDR=${address}`,
    `${base}_PORT=${port.number}`,
    `${base}_PROTO=${port.protocol}`,
  ];
}

function runVariables(prefix: string, [first, last]: readonly [Port, Port], address: string, url: Url): string[] {
  const base = variable(prefix, first);
  return [
    `${base}_START=${url(first)}`,
    `${base}_ADDR=${address}`,
    `${base}_PROTO=${first.protocol}`,
    `${base}_PORT_START=${first.number}`,
    `${base}_END=${url(last)}`,
    `${base}_PORT_END=${last.number}`,
  ];
}

function variable(prefix: string, { number, protocol }: Port): string {
  return `${prefix}_PORT_${number}_${protocol.toUpperCase()}`;
}

/** Fewer ports in a row are told one by one only. */
const LEAST_RUN = 3;

/** First and last of ports whose numbers follow one another. */
function portRuns(ports: readonly Port[]): (readonly [Port, Port])[] {
  const runs: Port[][] = [];
  for (const port of ports) {
    const last = runs.at(-1)?.at(-1);
    if (last && last.protocol === port.protocol && last.number + 1 === port.number) runs.at(-1)?.push(port);
    else runs.push([port]);
  }
  return runs.flatMap((run) => {
    const [first, last] = [run[0], run.at(-1)];
    return first && last && run.length >= LEAST_RUN ? [[first, last] as const] : [];
  });
}

function told({ Env }: ContainerConfig): string[] {
  return (Env ?? []).filter((entry) => entry.includes("=") && !NOT_TOLD.includes(entry.split("=", 1)[0] ?? ""));
}
