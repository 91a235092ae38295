import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { type Endpoint, parseEndpoint, type TlsMaterial } from "#client";
import { EngineError } from "#lib/errors";
import { quote } from "#lib/template";

interface ContextMeta {
  readonly Name?: string;
  readonly Endpoints?: { readonly docker?: { readonly Host?: string; readonly SkipTLSVerify?: boolean } };
}

/**
 * Where the context of this name points, from Docker's context store (`contexts/meta/<sha256 of the name>`), with the
 * key material kept beside it.
 *
 * @throws EngineError `not-found` for an unknown context.
 */
export function contextEndpoint(configDirectory: string, name: string): Endpoint {
  const id = createHash("sha256").update(name).digest("hex");
  const path = `${configDirectory}/contexts/meta/${id}/meta.json`;
  let meta: ContextMeta;
  try {
    meta = JSON.parse(readFileSync(path, "utf8")) as ContextMeta;
  } catch (cause) {
    throw new EngineError("not-found", `context ${quote(name)}: context not found: cannot read ${path}`, { cause });
  }
  const docker = meta.Endpoints?.docker;
  if (docker?.Host === undefined) {
    throw new EngineError("invalid-parameter", `context ${quote(name)}: it has no docker endpoint`);
  }
  const verify = docker.SkipTLSVerify !== true;
  return parseEndpoint(docker.Host, readTls(`${configDirectory}/contexts/tls/${id}/docker`, verify));
}

function readTls(directory: string, verify: boolean): TlsMaterial | undefined {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return verify ? undefined : { verify };
  }
  const file = (name: string) => readFileSync(`${directory}/${name}`, "utf8");
  return {
    verify,
    ...(names.includes("ca.pem") ? { ca: file("ca.pem") } : {}),
    ...(names.includes("cert.pem") ? { cert: file("cert.pem") } : {}),
    ...(names.includes("key.pem") ? { key: file("key.pem") } : {}),
  };
}
