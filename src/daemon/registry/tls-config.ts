import { hostname } from "node:os";
import { type Address, isLoopback, reachableAddresses } from "./address.ts";
import type { SettingsReader } from "./settings-reader.ts";

export type TlsConfig =
  | { readonly mode: "off" }
  | {
      /** A certificate of the registry's own authority. */
      readonly mode: "auto";
      /** Names that clients use besides those that this machine knows of. */
      readonly names: readonly string[];
      readonly clientAuthority: string | undefined;
    }
  | {
      readonly mode: "files";
      readonly certificate: string;
      readonly key: string;
      /** Path of the authorities whose clients are served. Undefined: all clients are. */
      readonly clientAuthority: string | undefined;
    };

/**
 * The key `tls`: `off`, `auto`, or `{certificate, key}`. Passwords and tokens must not cross a network in the clear, so anything but a
 * loopback address has TLS unless it is switched off.
 */
export function readTls(reader: SettingsReader, { hostname: host }: Address): TlsConfig {
  const fallback = isLoopback(host) ? "off" : "auto";
  if (reader.isObject("tls")) return reader.object("tls", readObject) as TlsConfig;
  const mode = reader.oneOf("tls", ["off", "auto"]) ?? fallback;
  return mode === "off" ? { mode } : { mode, names: [], clientAuthority: undefined };
}

function readObject(reader: SettingsReader): TlsConfig {
  const certificate = reader.path("certificate");
  const key = reader.path("key");
  const names = reader.texts("names");
  const clientAuthority = reader.path("client-ca");
  if (certificate === undefined && key === undefined) return { mode: "auto", names: names ?? [], clientAuthority };
  if (certificate === undefined || key === undefined) {
    throw reader.refuse(certificate === undefined ? "certificate" : "key", "is missing: a certificate needs its key");
  }
  if (names !== undefined) throw reader.refuse("names", "is for certificates that the registry makes itself");
  return { mode: "files", certificate, key, clientAuthority };
}

/** All names by which clients may call a server that listens there. */
export function certificateNames(host: string, names: readonly string[], url: string | undefined): string[] {
  const own = url === undefined ? [] : [new URL(url).hostname.replace(/^\[|\]$/g, "")];
  return [...new Set([...names, ...own, "localhost", "127.0.0.1", "::1", hostname(), ...reachableAddresses(host)])];
}
