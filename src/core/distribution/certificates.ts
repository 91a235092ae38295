import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "#lib/errors";
import { isHost } from "./insecure.ts";

/** PEM texts, as TLS wants them. */
export interface Certificates {
  /** Authorities to trust besides the system's. */
  readonly authorities: readonly string[];
  /** How this engine proves who it is, where a registry demands it. */
  readonly client: { readonly certificate: string; readonly key: string } | undefined;
}

/** A bundle of all public authorities has a quarter of this. */
const FILE_LIMIT_BYTES = 1024 * 1024;

/**
 * What the administrator put into `FOLDER/HOST[:PORT]/`, by Docker's rules: each `*.crt` is an authority, each `*.cert` a client
 * certificate whose key has the same name with `.key`. Of several client certificates the first is used.
 *
 * @throws `failed-precondition` for a certificate without a key, or the other way round
 */
export async function readCertificates(folders: readonly string[], host: string): Promise<Certificates> {
  // Hosts come from redirects too, and `..` is one by the rules of addresses.
  if (!isHost(host)) return { authorities: [], client: undefined };
  const authorities: string[] = [];
  let client: Certificates["client"];
  for (const folder of folders.map((parent) => join(parent, host))) {
    const names = await namesIn(folder);
    for (const name of names.filter((each) => each.endsWith(".crt"))) authorities.push(await read(join(folder, name)));
    requirePairs(folder, names);
    const certificate = names.find((each) => each.endsWith(".cert"));
    if (certificate === undefined || client) continue;
    client = { certificate: await read(join(folder, certificate)), key: await read(join(folder, keyOf(certificate))) };
  }
  return { authorities, client };
}

/** Most registries have no folder. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}

function requirePairs(folder: string, names: readonly string[]): void {
  for (const name of names) {
    if (name.endsWith(".cert") && !names.includes(keyOf(name))) {
      throw failed(
        `missing key ${keyOf(name)} for client certificate ${name} in ${folder}. CA certificates must use the extension .crt`,
      );
    }
    if (name.endsWith(".key") && !names.includes(name.replace(/\.key$/, ".cert"))) {
      throw failed(`missing client certificate ${name.replace(/\.key$/, ".cert")} for key ${name} in ${folder}`);
    }
  }
}

function keyOf(certificate: string): string {
  return certificate.replace(/\.cert$/, ".key");
}

async function read(path: string): Promise<string> {
  if ((await stat(path)).size > FILE_LIMIT_BYTES) {
    throw failed(`read certificate ${JSON.stringify(path)}: larger than ${FILE_LIMIT_BYTES} bytes`);
  }
  return readFile(path, "utf8");
}

function failed(message: string): EngineError {
  return new EngineError("failed-precondition", message);
}
