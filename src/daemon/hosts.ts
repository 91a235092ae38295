import { EngineError } from "#lib/errors";

/** Where the daemon listens. */
export type Host =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  /** Sockets that systemd opened. */
  | { readonly kind: "fd" };

const PLAIN_PORT = 2375;
const TLS_PORT = 2376;
const LAST_PORT = 65535;
/** `sun_path` less its final NUL. */
const SOCKET_PATH_LIMIT_BYTES = 107;

/** Reads `unix:///path`, `tcp://[host][:port]`, `fd://`. @throws `invalid-parameter` */
export function parseHost(text: string, tls: boolean): Host {
  const trimmed = text.trim();
  if (trimmed === "fd://" || trimmed === "fd://*") return { kind: "fd" };
  if (trimmed.startsWith("unix://")) return unixHost(trimmed, trimmed.slice("unix://".length));
  if (trimmed.startsWith("tcp://")) return tcpHost(trimmed, trimmed.slice("tcp://".length), tls);
  throw invalid(trimmed, "it begins with unix://, tcp:// or fd://");
}

function unixHost(text: string, path: string): Host {
  if (!path.startsWith("/")) throw invalid(text, "a socket needs an absolute path");
  if (Buffer.byteLength(path) > SOCKET_PATH_LIMIT_BYTES)
    throw invalid(text, `the path is longer than ${SOCKET_PATH_LIMIT_BYTES} bytes`);
  return { kind: "unix", path };
}

function tcpHost(text: string, address: string, tls: boolean): Host {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:/[\]]*)(?::(\d{1,5}))?\/?$/.exec(address);
  if (!match) throw invalid(text, "expected tcp://HOST:PORT");
  const port = match[2] === undefined ? (tls ? TLS_PORT : PLAIN_PORT) : Number(match[2]);
  if (port > LAST_PORT) throw invalid(text, `there is no port ${port}`);
  return { kind: "tcp", host: (match[1] || "localhost").replace(/^\[|\]$/g, ""), port };
}

function invalid(text: string, why: string): EngineError {
  return new EngineError("invalid-parameter", `invalid host "${text}": ${why}`);
}
