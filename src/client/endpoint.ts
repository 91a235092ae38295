import { EngineError } from "#lib/errors";

/** Key material for a TLS connection, as PEM text. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** False only where the user asked for encryption without checking the server (`--tls` alone). */
  readonly verify: boolean;
}

/** Where an engine listens. */
export type Endpoint =
  | { readonly kind: "unix"; readonly host: string; readonly path: string }
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly hostname: string;
      readonly port: number;
      readonly tls?: TlsMaterial;
    };

const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/**
 * Reads what users write after `-H` or in `DOCKER_HOST`: `unix:///path`, `tcp://host[:port]`, `http://…`, `https://…`,
 * `/path` or `host:port`.
 *
 * @throws EngineError `invalid-parameter` for another scheme or a bad port.
 */
export function parseEndpoint(host: string, tls?: TlsMaterial): Endpoint {
  const text = host.trim();
  const separator = text.indexOf("://");
  const scheme = separator < 0 ? (text.startsWith("/") ? "unix" : "tcp") : text.slice(0, separator);
  const rest = separator < 0 ? text : text.slice(separator + 3);
  switch (scheme) {
    case "unix":
      if (rest === "") throw invalidHost(host);
      return { kind: "unix", host: `unix://${rest}`, path: rest };
    case "http":
    case "https":
    case "tcp":
      return parseTcp(host, rest, scheme === "https" && tls === undefined ? { verify: true } : tls);
    default:
      throw invalidHost(host);
  }
}

function parseTcp(host: string, rest: string, tls: TlsMaterial | undefined): Endpoint {
  const address = rest.replace(/\/+$/, "");
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^\s:/[\]]*)(?::(\d{1,5}))?$/.exec(address);
  const port = match?.[2] === undefined ? (tls === undefined ? PLAIN_PORT : TLS_PORT) : Number(match[2]);
  if (match === null || port > 65535) throw invalidHost(host);
  const hostname = (match[1] ?? "").replace(/^\[|\]$/g, "") || "localhost";
  const shown = hostname.includes(":") ? `[${hostname}]` : hostname;
  return { kind: "tcp", host: `tcp://${shown}:${port}`, hostname, port, ...(tls === undefined ? {} : { tls }) };
}

function invalidHost(host: string): EngineError {
  return new EngineError("invalid-parameter", `invalid bind address format: ${host}`);
}
