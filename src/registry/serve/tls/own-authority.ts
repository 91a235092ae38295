import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { EngineError, messageOf } from "#lib/errors";
import { isAbsent, writeAtomic } from "#lib/fs";
import { makeCertificate } from "./make-certificate.ts";

export interface OwnAuthorityOptions {
  /** Where `ca.pem`, `ca-key.pem`, `server.pem` and `server-key.pem` lie. */
  readonly folder: string;
  /** Host names and addresses by which clients call this registry. */
  readonly names: readonly string[];
  now(): Date;
}

export interface OwnCertificate {
  /** PEM of the server, and of its key. */
  readonly certificate: string;
  readonly key: string;
  /** What clients have to trust. */
  readonly authority: { readonly path: string; readonly fingerprint: string };
}

const DAY_MS = 24 * 3600 * 1000;
const AUTHORITY_DAYS = 3650;
/** The longest that all clients take. */
const SERVER_DAYS = 397;
/** A certificate that ends earlier than that is replaced. */
const RENEW_DAYS = 30;
/** Clocks of clients may be behind. */
const BACKDATED_MS = DAY_MS;

/**
 * A certificate signed by the registry's own authority. Both are made on the first start; the server's is made anew when it is about to end or
 * names change, the authority's never, since clients trust it.
 *
 * @throws `invalid-parameter` when the authority's files are damaged or its certificate has ended
 */
export async function ownCertificate(options: OwnAuthorityOptions): Promise<OwnCertificate> {
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const authority = await loadPair(options, "ca");
  if (authority !== undefined && new Date(authority.certificate.validTo) < options.now()) {
    throw damaged(
      options,
      "the authority's certificate has ended: remove the folder, and let clients trust the new one",
    );
  }
  const ca = authority ?? (await savePair(options, "ca", makeAuthority(options)));
  // One that is damaged, by a crash between its two files perhaps, is replaced: nobody trusts it by itself.
  const server = await loadPair(options, "server").catch(() => undefined);
  const kept = server?.certificate.verify(ca.publicKey) && isFresh(server, options) ? server : undefined;
  const { certificate, privateKey } = kept ?? (await savePair(options, "server", makeServer(options, ca)));
  return {
    certificate: `${certificate}`,
    key: pemOf(privateKey),
    authority: { path: join(options.folder, "ca.pem"), fingerprint: ca.certificate.fingerprint256 },
  };
}

interface Pair {
  readonly certificate: X509Certificate;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function makeAuthority({ now }: OwnAuthorityOptions): Pair {
  const keys = makeKeys();
  // Several registries' authorities in one store are told apart by it.
  const commonName = `tug registry ${randomBytes(4).toString("hex")}`;
  return { ...keys, certificate: sign({ commonName, ...keys }, { commonName, keys, now, days: AUTHORITY_DAYS }) };
}

function makeServer({ now, names }: OwnAuthorityOptions, authority: Pair): Pair {
  const keys = makeKeys();
  const issuer = { commonName: commonNameOf(authority.certificate), ...authority };
  return { ...keys, certificate: sign(issuer, { commonName: "tug registry", keys, now, days: SERVER_DAYS, names }) };
}

interface Subject {
  readonly commonName: string;
  readonly keys: { readonly publicKey: KeyObject };
  now(): Date;
  readonly days: number;
  readonly names?: readonly string[];
}

function sign(
  issuer: { readonly commonName: string; readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  { commonName, keys, now, days, names }: Subject,
): X509Certificate {
  const start = Math.floor(now().getTime() / 1000) * 1000;
  return makeCertificate({
    commonName,
    publicKey: keys.publicKey,
    issuer,
    validFrom: new Date(start - BACKDATED_MS),
    validTo: new Date(start + days * DAY_MS - BACKDATED_MS),
    serial: randomBytes(16),
    ...(names && { names }),
  });
}

function makeKeys() {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function commonNameOf(certificate: X509Certificate): string {
  return certificate.subject.replace(/^CN\s*=\s*/, "");
}

function isFresh({ certificate }: Pair, { names, now }: OwnAuthorityOptions): boolean {
  const isLasting = new Date(certificate.validTo).getTime() - now().getTime() > RENEW_DAYS * DAY_MS;
  const has = (name: string) =>
    (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
  return isLasting && names.every(has);
}

async function loadPair(options: OwnAuthorityOptions, name: string): Promise<Pair | undefined> {
  const read = (file: string) => readFile(join(options.folder, file), "utf8");
  try {
    const [certificate, key] = await Promise.all([read(`${name}.pem`), read(`${name}-key.pem`)]);
    const privateKey = createPrivateKey(key);
    const pair = { certificate: new X509Certificate(certificate), privateKey, publicKey: createPublicKey(privateKey) };
    if (!pair.certificate.checkPrivateKey(privateKey))
      throw damaged(options, `${name}-key.pem is not the key of ${name}.pem`);
    return pair;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error instanceof EngineError ? error : damaged(options, `${name}: ${messageOf(error)}`, error);
  }
}

/** The key first: a certificate without its key would be taken for a damaged pair. */
async function savePair({ folder }: OwnAuthorityOptions, name: string, pair: Pair): Promise<Pair> {
  await writeAtomic(join(folder, `${name}-key.pem`), pemOf(pair.privateKey));
  await writeAtomic(join(folder, `${name}.pem`), `${pair.certificate}`, 0o644);
  return pair;
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }) as string;
}

function damaged({ folder }: OwnAuthorityOptions, reason: string, cause?: unknown): EngineError {
  return new EngineError("invalid-parameter", `read certificates in "${folder}": ${reason}`, { cause });
}
