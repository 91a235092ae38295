import { containers } from "#client";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";

export const port = defineCommand({
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  summary: "List port mappings or a specific mapping for the container",
  args: { kind: "between", least: 1, most: 2 },
  flags: {},
  completeArgs: "running-containers",
  async run(context, { args }) {
    const [container = "", wanted] = args;
    const { NetworkSettings: settings } = await containers.inspect(await context.engine(), container);
    const ports = Object.entries(settings?.Ports ?? {});
    const chosen = wanted === undefined ? ports : ports.filter(([name]) => name === fullName(wanted));
    const lines = chosen.flatMap(([name, bindings]) =>
      (bindings ?? []).map(({ HostIp: ip = "", HostPort: hostPort = "" }) => {
        const address = `${ip.includes(":") ? `[${ip}]` : ip}:${hostPort}`;
        return wanted === undefined ? `${name} -> ${address}` : address;
      }),
    );
    if (wanted !== undefined && lines.length === 0) {
      throw new EngineError("not-found", `Error: No public port '${wanted}' published for ${container}`);
    }
    context.io.stdout.write(
      lines
        .sort(byPort)
        .map((line) => `${line}\n`)
        .join(""),
    );
  },
});

const PORT_DIGITS = 5;

function fullName(wanted: string): string {
  const [number = "", protocol = "tcp"] = wanted.split("/");
  if (!/^\d{1,5}$/.test(number) || Number(number) > 65535) {
    throw new EngineError("invalid-parameter", `Error: invalid port '${wanted}'`);
  }
  return `${number}/${protocol}`;
}

/** 9/tcp before 80/tcp: numbers in lines compare as numbers. */
function byPort(a: string, b: string): number {
  return sortKey(a) < sortKey(b) ? -1 : 1;
}

function sortKey(line: string): string {
  return line.replace(/\d+/g, (digits) => digits.padStart(PORT_DIGITS, "0"));
}
