import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { EngineError, messageOf } from "#lib/errors";
import type { HttpServer, TlsOptions } from "#lib/http";
import type { Logger } from "#lib/log";
import type { Config } from "./config.ts";
import type { Host } from "./hosts.ts";

const SOCKET_MODE = 0o660;
/** systemd hands its sockets over from here on (sd_listen_fds(3)). */
const FIRST_SYSTEMD_FD = 3;

/** Opens every socket of the configuration. */
export async function listenOn(server: HttpServer, config: Config, logger: Logger): Promise<void> {
  for (const host of config.hosts) await listenOne(server, host, { config, logger });
}

async function listenOne(
  server: HttpServer,
  host: Host,
  { config, logger }: { config: Config; logger: Logger },
): Promise<void> {
  switch (host.kind) {
    case "unix": {
      const gid = groupID(config.group);
      if (gid === undefined)
        logger.warn("group of the socket does not exist: only root can connect", { group: config.group });
      mkdirSync(dirname(host.path), { recursive: true, mode: 0o755 });
      await server.listen({ kind: "unix", path: host.path, mode: SOCKET_MODE, gid: gid ?? 0 });
      logger.info("API listen", { address: host.path });
      break;
    }
    case "tcp": {
      const tls = readTls(config.tls);
      if (!tls?.ca)
        logger.warn("API without client verification: whoever reaches it is root here", {
          host: host.host,
          port: host.port,
        });
      const port = await server.listen({ kind: "tcp", host: host.host, port: host.port, ...(tls ? { tls } : {}) });
      logger.info("API listen", { address: `${host.host}:${port}` });
      break;
    }
    case "fd":
      for (const fd of systemdSockets()) await server.listen({ kind: "fd", fd });
      logger.info("API listen", { address: "fd://" });
      break;
  }
}

function systemdSockets(): number[] {
  const count = Number(process.env.LISTEN_FDS ?? 0);
  if (Number(process.env.LISTEN_PID) !== process.pid || !(count > 0)) {
    throw new EngineError(
      "failed-precondition",
      "host fd://: no sockets were passed: start tugd by its systemd socket unit",
    );
  }
  return Array.from({ length: count }, (_, index) => FIRST_SYSTEMD_FD + index);
}

function readTls(tls: Config["tls"]): TlsOptions | undefined {
  if (!tls) return undefined;
  return {
    certificate: readPem(tls.certificate),
    key: readPem(tls.key),
    ...(tls.verify ? { ca: readPem(tls.ca) } : {}),
  };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new EngineError("invalid-parameter", `TLS file "${path}": ${messageOf(cause)}`, { cause });
  }
}

/** By name or number, from /etc/group. */
function groupID(group: string): number | undefined {
  if (/^\d+$/.test(group)) return Number(group);
  const line = readFileSync("/etc/group", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${group}:`));
  return line === undefined ? undefined : Number(line.split(":")[2]);
}
