import type { Digest } from "#api/oci";
import { isKind } from "#lib/errors";
import { abandonUpload, finishUpload, mountBlob, quotaExceeded, roomIn } from "../content.ts";
import { RegistryError } from "../errors.ts";
import type { Parts } from "../parts.ts";
import { bodyOf } from "./body.ts";
import { assertNotProxied, type Exchange, mayAlso, tell } from "./exchange.ts";
import { isRepository, parseBlobDigest } from "./names.ts";

/** How many repositories are tried when a client wants a blob mounted from wherever it is. */
const MOUNT_CANDIDATES = 8;

interface UploadRoute {
  readonly repository: string;
  readonly id: string;
}

/** POST of `/v2/NAME/blobs/uploads/`: begins an upload (end-4a), is a whole one (end-4b) or mounts (end-11). */
export async function startUpload(exchange: Exchange, { repository }: { repository: string }): Promise<Response> {
  const { parts, query } = exchange;
  assertNotProxied(parts, repository);
  parts.rules.assertWritable(repository);
  const mount = query.get("mount");
  if (mount !== null) {
    const digest = parseBlobDigest(mount);
    const from = await mountFrom(exchange, { repository, digest, from: query.get("from") });
    if (from !== undefined) {
      tell(exchange, { action: "mount", repository, digest, fromRepository: from });
      return created(repository, digest);
    }
  }
  const digest = mount === null && query.has("digest") ? parseBlobDigest(query.get("digest") ?? "") : undefined;
  const id = parts.newId();
  parts.manifests.startUpload(repository, id);
  await parts.blobs.startUpload(id);
  if (digest === undefined) {
    await parts.manifests.durable();
    return accepted(exchange, { repository, id }, 0);
  }
  return await parts.active.run(id, async (signal) => {
    try {
      await receive(exchange, { repository, id }, { offset: 0, signal });
    } catch (error) {
      // Nobody knows its name, so nobody will go on with it.
      await abandonUpload(parts, id);
      throw error;
    }
    return await finish(exchange, { repository, id }, digest);
  });
}

/** Mounts the blob; where it came from, or undefined when there is nothing to mount for this client. */
async function mountFrom(
  exchange: Exchange,
  wanted: { readonly repository: string; readonly digest: Digest; readonly from: string | null },
): Promise<string | undefined> {
  const { parts } = exchange;
  const { repository, digest, from } = wanted;
  const candidates = from === null ? parts.manifests.repositoriesWith(digest, MOUNT_CANDIDATES) : [from];
  for (const candidate of candidates) {
    if (!isRepository(candidate) || !(await mayAlso(exchange, { repository: candidate, actions: ["pull"] }))) continue;
    if (await mountBlob(parts, { repository, from: candidate, digest })) return candidate;
  }
  return undefined;
}

/** PATCH of an upload (end-5): the next chunk, or with no `Content-Range` all there is. */
export async function patchUpload(exchange: Exchange, route: UploadRoute): Promise<Response> {
  checkUpload(exchange, route);
  return await exchange.parts.active.run(route.id, async (signal) => {
    const offset = await sizeOf(exchange, route);
    const size = await receive(exchange, route, { offset, signal });
    return accepted(exchange, route, size);
  });
}

/** PUT of an upload (end-6): the last chunk, if there is one, and what the whole has to be. */
export async function finishUploadByPut(exchange: Exchange, route: UploadRoute): Promise<Response> {
  checkUpload(exchange, route);
  const digest = parseBlobDigest(exchange.query.get("digest") ?? "");
  return await exchange.parts.active.run(route.id, async (signal) => {
    const offset = await sizeOf(exchange, route);
    if (exchange.request.body !== null) await receive(exchange, route, { offset, signal });
    return await finish(exchange, route, digest);
  });
}

/** GET of an upload (end-13). */
export async function getUpload(exchange: Exchange, route: UploadRoute): Promise<Response> {
  checkUpload(exchange, route);
  const size = await sizeOf(exchange, route);
  return new Response(null, { status: 204, headers: progressHeaders(route, size) });
}

/** DELETE of an upload. */
export async function deleteUpload(exchange: Exchange, route: UploadRoute): Promise<Response> {
  checkUpload(exchange, route);
  await exchange.parts.active.run(route.id, () => abandonUpload(exchange.parts, route.id));
  return new Response(null, { status: 204 });
}

function checkUpload({ parts }: Exchange, { repository, id }: UploadRoute): void {
  parts.rules.assertWritable(repository);
  if (!parts.manifests.hasUpload(repository, id)) throw new RegistryError("BLOB_UPLOAD_UNKNOWN");
}

async function sizeOf({ parts }: Exchange, { id }: UploadRoute): Promise<number> {
  try {
    return await parts.blobs.uploadSize(id);
  } catch (error) {
    // The bytes of an upload may be lost where its name is not: a power cut came between.
    throw isKind(error, "not-found") ? new RegistryError("BLOB_UPLOAD_UNKNOWN") : error;
  }
}

/** Appends the body of the request; the size of the upload then. */
async function receive(
  { parts, request }: Exchange,
  route: UploadRoute,
  { offset, signal }: { readonly offset: number; readonly signal: AbortSignal },
): Promise<number> {
  const chunk = announced(request, route, offset);
  const room = roomIn(parts, route.repository);
  if (offset + (chunk ?? 0) > room) throw quotaExceeded(parts, route.repository);
  const limitBytes = Math.min(chunk ?? Number.POSITIVE_INFINITY, room - offset);
  const beyond = () =>
    limitBytes === chunk ? new RegistryError("SIZE_INVALID") : quotaExceeded(parts, route.repository);
  const size = await append(parts, route.id, bodyOf(request, { signal, limitBytes, beyond }));
  if (chunk !== undefined && size !== offset + chunk) throw new RegistryError("SIZE_INVALID");
  return size;
}

async function append(parts: Parts, id: string, source: AsyncIterable<Uint8Array>): Promise<number> {
  try {
    return await parts.blobs.append(id, source);
  } catch (error) {
    // An upload beyond the quota is of no use to anybody, and its bytes are room for others.
    if (error instanceof RegistryError && error.code === "DENIED") await abandonUpload(parts, id);
    throw error;
  } finally {
    parts.manifests.touchUpload(id);
  }
}

/**
 * How long the chunk says it is; undefined when only its end will tell.
 *
 * @throws RANGE_INVALID (416) when it does not follow what is there, with what is there
 */
function announced(request: Request, route: UploadRoute, offset: number): number | undefined {
  const range = request.headers.get("Content-Range");
  const lengthText = request.headers.get("Content-Length");
  const length = lengthText === null ? undefined : Number(lengthText);
  if (range === null) return length;
  const match = /^(?:bytes[ =])?(\d{1,16})-(\d{1,16})(?:\/(?:\d+|\*))?$/.exec(range.trim());
  if (match === null) throw new RegistryError("BLOB_UPLOAD_INVALID", "Content-Range is not FIRST-LAST");
  const [first, last] = [Number(match[1]), Number(match[2])];
  if (first !== offset)
    throw new RegistryError("RANGE_INVALID", `chunk begins at ${first}, upload has ${offset} bytes`, {
      headers: progressHeaders(route, offset),
    });
  const chunk = last - first + 1;
  if (chunk < 0 || (length !== undefined && length !== chunk)) throw new RegistryError("SIZE_INVALID");
  return chunk;
}

async function finish(exchange: Exchange, { repository, id }: UploadRoute, digest: Digest): Promise<Response> {
  const { size } = await finishUpload(exchange.parts, { repository, id, digest });
  tell(exchange, { action: "push", repository, digest, mediaType: "application/octet-stream", size });
  return created(repository, digest);
}

function created(repository: string, digest: Digest): Response {
  const headers = { Location: `/v2/${repository}/blobs/${digest}`, "Docker-Content-Digest": digest };
  return new Response(null, { status: 201, headers });
}

function accepted({ parts }: Exchange, route: UploadRoute, size: number): Response {
  const { chunkMinBytes } = parts.blobs;
  return new Response(null, {
    status: 202,
    headers: {
      ...progressHeaders(route, size),
      ...(chunkMinBytes > 0 ? { "OCI-Chunk-Min-Length": String(chunkMinBytes) } : {}),
    },
  });
}

/** `Range` names the last byte that is there; that of an upload without any is `0-0`, as other registries have it. */
function progressHeaders({ repository, id }: UploadRoute, size: number): Record<string, string> {
  return {
    Location: `/v2/${repository}/blobs/uploads/${id}`,
    Range: `0-${Math.max(0, size - 1)}`,
    "Docker-Upload-UUID": id,
  };
}
