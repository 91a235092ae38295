import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";
import { EngineError } from "#lib/errors";
import { fileError, isAbsent, writeAtomic } from "#lib/fs";

/** With what tokens are signed: ECDSA on P-256, which every registry knows. */
export const SIGNING_ALGORITHM = "ES256";

export interface SigningKey {
  /** Tells keys apart: the thumbprint of RFC 7638. */
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** For others that are to trust our tokens. */
  readonly publicJwk: JWK;
}

/**
 * Reads the key at `path`, or makes one on the first start. Whoever can read the file can issue tokens.
 *
 * @throws `invalid-parameter` when the file holds something else
 */
export async function loadSigningKey(path: string): Promise<SigningKey> {
  const text = await readOrCreate(path);
  try {
    const privateKey = createPrivateKey({ key: JSON.parse(text), format: "jwk" });
    const publicKey = createPublicKey(privateKey);
    const publicJwk = await exportJWK(publicKey);
    const id = await calculateJwkThumbprint(publicJwk);
    return { id, privateKey, publicKey, publicJwk: { ...publicJwk, kid: id, alg: SIGNING_ALGORITHM, use: "sig" } };
  } catch (cause) {
    throw new EngineError("invalid-parameter", `read signing key "${path}": not a private JWK`, { cause });
  }
}

async function readOrCreate(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (!isAbsent(error)) throw fileError(`read signing key "${path}"`, error);
  }
  const { privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true });
  const text = JSON.stringify(await exportJWK(privateKey));
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeAtomic(path, `${text}\n`);
  return text;
}
