import type { Digest } from "#api/oci";
import { RegistryError } from "../errors.ts";
import { etag, isNotModified, requestedRange } from "./conditional.ts";
import { assertNotProxied, type Exchange, tell } from "./exchange.ts";
import { parseBlobDigest } from "./names.ts";

/** A year: what a digest names never changes. */
const CACHE_CONTROL = "max-age=31536000";

/** GET and HEAD of `/v2/NAME/blobs/DIGEST` (end-2). */
export async function getBlob(
  exchange: Exchange,
  route: { readonly repository: string; readonly digest: string },
): Promise<Response> {
  const { parts, request } = exchange;
  const { repository } = route;
  const digest = parseBlobDigest(route.digest);
  const linked = parts.manifests.findBlob(repository, digest);
  if (linked === undefined) return await blobFromUpstream(exchange, repository, digest);
  const blob = { digest, size: linked.size };
  if (request.method === "HEAD") {
    // Whoever is told that it is here may refer to it soon without sending it.
    if (!linked.isUsed) parts.manifests.linkBlob(repository, digest, linked.size);
    return new Response(null, { headers: wholeHeaders(blob) });
  }
  if (isNotModified(request, digest)) return new Response(null, { status: 304, headers: headersOf(digest) });
  const range = requestedRange(request, blob);
  const location = parts.settings.redirectBlobs ? await parts.blobs.redirect(digest) : undefined;
  tell(exchange, { action: "pull", repository, digest, mediaType: "application/octet-stream", size: linked.size });
  if (location !== undefined)
    return new Response(null, { status: 307, headers: { Location: location, "Docker-Content-Digest": digest } });
  if (range === undefined) return new Response(await parts.blobs.body(digest), { headers: wholeHeaders(blob) });
  return new Response(await parts.blobs.body(digest, range), {
    status: 206,
    headers: {
      ...headersOf(digest),
      "Content-Length": String(range.end - range.start + 1),
      "Content-Range": `bytes ${range.start}-${range.end}/${linked.size}`,
    },
  });
}

async function blobFromUpstream(exchange: Exchange, repository: string, digest: Digest): Promise<Response> {
  const { parts, request } = exchange;
  const { upstream } = parts;
  const found = upstream?.covers(repository) ? await upstream.blob(repository, digest, request.signal) : undefined;
  if (found === undefined) throw new RegistryError("BLOB_UNKNOWN", undefined, { detail: { digest } });
  const headers = wholeHeaders({ digest, size: found.size });
  if (request.method === "HEAD") {
    await found.body.cancel();
    return new Response(null, { headers });
  }
  tell(exchange, { action: "pull", repository, digest, mediaType: "application/octet-stream", size: found.size });
  return new Response(found.body, { headers });
}

/** DELETE of `/v2/NAME/blobs/DIGEST` (end-10): it leaves the repository. Its bytes go when it is in none. */
export async function deleteBlob(
  exchange: Exchange,
  route: { readonly repository: string; readonly digest: string },
): Promise<Response> {
  const { parts } = exchange;
  const { repository } = route;
  const digest = parseBlobDigest(route.digest);
  assertNotProxied(parts, repository);
  parts.rules.assertDeletable(repository);
  const linked = parts.manifests.findBlob(repository, digest);
  if (linked === undefined) throw new RegistryError("BLOB_UNKNOWN", undefined, { detail: { digest } });
  if (linked.isUsed)
    throw new RegistryError(
      "UNSUPPORTED",
      `blob "${digest}" is used by a manifest of "${repository}": delete that first`,
    );
  parts.manifests.unlinkBlob(repository, digest);
  await parts.manifests.durable();
  tell(exchange, { action: "delete", repository, digest });
  return new Response(null, { status: 202 });
}

function headersOf(digest: Digest): Record<string, string> {
  return {
    "Content-Type": "application/octet-stream",
    "Docker-Content-Digest": digest,
    "Accept-Ranges": "bytes",
    ETag: etag(digest),
    "Cache-Control": CACHE_CONTROL,
  };
}

function wholeHeaders(blob: { readonly digest: Digest; readonly size: number }): Record<string, string> {
  return { ...headersOf(blob.digest), "Content-Length": String(blob.size) };
}
