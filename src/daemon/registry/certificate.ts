import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError } from "#lib/fs";
import { ownCertificate, type TlsFiles } from "#registry";
import type { RegistryConfig } from "./config.ts";
import { certificateNames } from "./tls-config.ts";

export interface ServedCertificate {
  readonly files: TlsFiles;
  /** What clients have to trust, where the registry signed its certificate itself. */
  readonly authority?: { readonly path: string; readonly fingerprint: string };
}

/** Reads the files, or makes a certificate; again and again, to find out whether it has changed. Undefined without TLS. */
export async function readCertificate(
  { tls, root, address, url }: RegistryConfig,
  now: () => Date,
): Promise<ServedCertificate | undefined> {
  if (tls.mode === "off") return undefined;
  const clients = tls.clientAuthority === undefined ? {} : { clientAuthority: await readPem(tls.clientAuthority) };
  if (tls.mode === "files") {
    const [certificate, key] = await Promise.all([readPem(tls.certificate), readPem(tls.key)]);
    return { files: { certificate, key, ...clients } };
  }
  const names = certificateNames(address.hostname, tls.names, url);
  const { certificate, key, authority } = await ownCertificate({ folder: join(root, "tls"), names, now });
  return { files: { certificate, key, ...clients }, authority };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw fileError(`read TLS file "${path}"`, error);
  }
}
