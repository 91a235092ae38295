import type { Port } from "#api/engine";

/** Ports in a row that are published on the same numbers, or not at all. */
interface Run {
  readonly address: string;
  readonly type: string;
  readonly first: number;
  readonly last: number;
}

/**
 * Ports as `ps` shows them, neighbours joined to ranges: first those that are not published or are so on the same
 * number (`90-92/udp`), then those that moved (`0.0.0.0:8080->80/tcp`).
 */
export function portsText(ports: readonly Port[]): string {
  const open = new Map<string, Run>();
  const closed: Run[] = [];
  const moved: string[] = [];
  for (const port of [...ports].sort(comparePorts)) {
    const { PrivatePort: number, PublicPort: publicPort, Type: type } = port;
    const address = hostAddress(port);
    if (address !== "" && publicPort !== number) {
      moved.push(`${address}:${publicPort ?? 0}->${number}/${type}`);
      continue;
    }
    const key = `${address}/${type}`;
    const run = open.get(key);
    if (run?.last === number - 1) {
      open.set(key, { ...run, last: number });
      continue;
    }
    if (run !== undefined) closed.push(run);
    open.set(key, { address, type, first: number, last: number });
  }
  return [...closed.map(runText), ...[...open.values()].map(runText), ...moved].join(", ");
}

function runText({ address, type, first, last }: Run): string {
  const numbers = first === last ? String(first) : `${first}-${last}`;
  return `${address === "" ? "" : `${address}:${numbers}->`}${numbers}/${type}`;
}

function hostAddress({ IP: ip = "" }: Port): string {
  return ip.includes(":") ? `[${ip}]` : ip;
}

function comparePorts(a: Port, b: Port): number {
  const byText = (x = "", y = "") => (x < y ? -1 : x > y ? 1 : 0);
  return (
    a.PrivatePort - b.PrivatePort ||
    byText(a.IP, b.IP) ||
    (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
    byText(a.Type, b.Type)
  );
}
