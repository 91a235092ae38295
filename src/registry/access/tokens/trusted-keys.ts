import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import type { JWK, JWTHeaderParameters } from "jose";
import { EngineError, messageOf } from "#lib/errors";

/** Keys whose signatures are believed. */
export interface TrustedKeys {
  /** Those that may have signed a token with this header, the likeliest first. */
  candidates(header: JWTHeaderParameters): KeyObject[];
}

interface TrustedKey {
  readonly id: string | undefined;
  readonly key: KeyObject;
  readonly certificate?: X509Certificate;
}

/** Certificates that a token may bring to connect its own with a trusted one. */
const LONGEST_CHAIN = 5;

/**
 * Reads the keys of a token service: a JSON web key (set), or PEM with public keys and certificates (docker-registry's
 * `rootcertbundle`).
 *
 * @throws `invalid-parameter`
 */
export function parseTrustedKeys(text: string, now: () => Date): TrustedKeys {
  const keys = text.trimStart().startsWith("{") ? readJwks(text) : readPem(text);
  if (keys.length === 0) throw invalid("no key is in it");
  return {
    candidates: (header) => {
      const named = keys.filter(({ id }) => id !== undefined && id === header.kid);
      // A service may name its key in a way of its own, so a name that is unknown excludes nothing.
      const own = named.length > 0 ? named.map(({ key }) => key) : keys.map(({ key }) => key);
      return [...own, ...certifiedKey(header.x5c, keys, now())];
    },
  };
}

export function trustedKey(id: string, key: KeyObject): TrustedKeys {
  return { candidates: (header) => (header.kid === id ? [key] : []) };
}

function readJwks(text: string): TrustedKey[] {
  try {
    const document = JSON.parse(text) as JWK & { keys?: JWK[] };
    return (document.keys ?? [document]).map((jwk) => ({
      id: jwk.kid,
      key: createPublicKey({ key: jwk as Record<string, string>, format: "jwk" }),
    }));
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
}

function readPem(text: string): TrustedKey[] {
  const blocks = text.match(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g) ?? [];
  return blocks.map((block) => {
    try {
      if (!block.startsWith("-----BEGIN CERTIFICATE")) return { id: undefined, key: createPublicKey(block) };
      const certificate = new X509Certificate(block);
      return { id: undefined, key: certificate.publicKey, certificate };
    } catch (cause) {
      throw invalid(messageOf(cause), cause);
    }
  });
}

/** The key of a certificate that comes with the token (`x5c`, RFC 7515 4.1.6), when its chain ends at a trusted one. */
function certifiedKey(chain: readonly string[] | undefined, trusted: readonly TrustedKey[], now: Date): KeyObject[] {
  if (chain === undefined || chain.length === 0 || chain.length > LONGEST_CHAIN) return [];
  try {
    const certificates = chain.map((der) => new X509Certificate(Buffer.from(der, "base64")));
    const roots = trusted.flatMap(({ certificate }) => certificate ?? []);
    const isConnected = certificates.every((certificate, index) => {
      const issuers = index + 1 < certificates.length ? [certificates[index + 1]!] : roots;
      return isValid(certificate, now) && issuers.some((issuer) => isIssued(certificate, issuer));
    });
    return isConnected ? [certificates[0]!.publicKey] : [];
  } catch {
    // What came with a token is not ours to complain about: it proves nothing.
    return [];
  }
}

function isValid(certificate: X509Certificate, now: Date): boolean {
  return new Date(certificate.validFrom) <= now && now <= new Date(certificate.validTo);
}

/** An ordinary certificate must not make others, or any client certificate of the authority could issue tokens. */
function isIssued(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function invalid(reason: string, cause?: unknown): EngineError {
  return new EngineError("invalid-parameter", `read keys of the token service: ${reason}`, { cause });
}
