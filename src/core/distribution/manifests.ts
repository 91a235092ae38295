import { createHash } from "node:crypto";
import type { Tag } from "#api/distribution";
import { type Descriptor, type Digest, isDigest, MEDIA_TYPES } from "#api/oci";
import { EngineError } from "#lib/errors";
import type { Answer } from "./answer.ts";
import type { FetchedManifest } from "./distribution.ts";
import { invalidAnswer } from "./errors.ts";
import { mediaTypeOf, refuseSchema1, typeOfHeader } from "./manifest-document.ts";
import type { Session } from "./session.ts";

/** The size that every registry must take (distribution-spec "Pushing Manifests"), and that no sane manifest exceeds. */
export const MANIFEST_LIMIT_BYTES = 4 * 1024 * 1024;

/** In the order of what is liked best. Schema 1 is asked for so that it can be told from what is not there at all. */
const ACCEPT = [
  MEDIA_TYPES.ociIndex,
  MEDIA_TYPES.dockerIndex,
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.dockerManifest,
  "application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.1",
  "application/vnd.docker.distribution.manifest.v1+json;q=0.1",
  "*/*;q=0.01",
].join(", ");

type Reference = Tag | Digest;

/** HEAD, and GET where a registry's HEAD does not say enough, or fails: then it is GET that says why. */
export async function resolveManifest(
  session: Session,
  reference: Reference,
  signal: AbortSignal,
): Promise<Descriptor> {
  const described = await describeByHead(session, reference, signal);
  return described ?? (await fetchManifest(session, reference, signal)).descriptor;
}

export async function fetchManifest(
  session: Session,
  reference: Reference,
  signal: AbortSignal,
): Promise<FetchedManifest> {
  await using answer = await session.request(`manifests/${reference}`, {
    method: "GET",
    headers: { Accept: ACCEPT },
    signal,
    expect: [200],
  });
  const bytes = await answer.read(MANIFEST_LIMIT_BYTES);
  const digest = verifiedDigest(bytes, isDigest(reference) ? reference : digestHeader(answer));
  const mediaType = mediaTypeOf(bytes, answer.headers.get("content-type"));
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

/** @returns the digest of the bytes @throws when the registry keeps something else */
export async function putManifest(
  session: Session,
  reference: Reference,
  { bytes, mediaType, signal }: { bytes: Uint8Array; mediaType: string; signal: AbortSignal },
): Promise<Digest> {
  await using answer = await session.request(`manifests/${reference}`, {
    method: "PUT",
    headers: { "Content-Type": mediaType },
    body: () => bytes,
    signal,
    expect: [200, 201, 202],
  });
  return verifiedDigest(bytes, isDigest(reference) ? reference : digestHeader(answer));
}

async function describeByHead(
  session: Session,
  reference: Reference,
  signal: AbortSignal,
): Promise<Descriptor | undefined> {
  const head = { method: "HEAD", headers: { Accept: ACCEPT }, signal, expect: [200, ...REFUSALS] } as const;
  await using answer = await session.request(`manifests/${reference}`, head);
  const digest = digestHeader(answer);
  const mediaType = typeOfHeader(answer.headers.get("content-type"));
  if (answer.status !== 200 || !digest || !answer.length || mediaType === undefined) return undefined;
  refuseSchema1(mediaType);
  if (isDigest(reference) && digest !== reference) throw verificationFailed(reference);
  if (answer.length > MANIFEST_LIMIT_BYTES)
    throw invalidAnswer(`manifest ${digest} is larger than ${MANIFEST_LIMIT_BYTES} bytes`);
  return { mediaType, digest, size: answer.length };
}

/** Their reasons stand in bodies, which HEAD has not. */
const REFUSALS = [400, 401, 403, 404, 405, 406, 410, 451];

function digestHeader({ headers }: Answer): Digest | undefined {
  const text = headers.get("docker-content-digest") ?? "";
  return isDigest(text) ? text : undefined;
}

/** @throws `invalid-parameter` when the bytes are not what was asked for, or not what the registry says they are */
function verifiedDigest(bytes: Uint8Array, expected: Digest | undefined): Digest {
  const algorithm = expected?.slice(0, expected.indexOf(":")) ?? "sha256";
  const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}` as Digest;
  if (expected !== undefined && digest !== expected) throw verificationFailed(expected);
  return digest;
}

function verificationFailed(digest: Digest): EngineError {
  return new EngineError("invalid-parameter", `manifest verification failed for digest ${digest}`);
}
