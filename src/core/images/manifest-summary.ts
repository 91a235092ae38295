/** What a name stands for, manifest by manifest: the `Manifests` of Docker's API. */
import type { Descriptor, Digest } from "#api/oci";
import { isKind } from "#lib/errors";
import type { ImagesContext } from "./context.ts";
import type { Image, ImageID, ManifestSummary } from "./image.ts";
import { attestedManifest, INDEX_DEPTH_LIMIT, parseManifest } from "./manifest-document.ts";

/** All manifests of an image's name, here or not; of an image that never was at a registry, none. */
export async function manifestSummaries(context: ImagesContext, image: Image): Promise<ManifestSummary[]> {
  return image.descriptor ? await summarise(context, image.descriptor, 1) : [];
}

async function summarise(context: ImagesContext, descriptor: Descriptor, depth: number): Promise<ManifestSummary[]> {
  const known = context.records.manifests.find(descriptor.digest);
  const bytes = known && (await readHere(context, descriptor.digest));
  const document = bytes && parseManifest(bytes);
  if (document?.kind === "index" && depth <= INDEX_DEPTH_LIMIT) {
    const listed = await Promise.all(document.entries.map((entry) => summarise(context, entry, depth + 1)));
    return listed.flat();
  }
  if (known?.imageID !== undefined) return [await summariseImage(context, descriptor, known.imageID)];
  const isHere = document?.kind === "manifest";
  const blobs = isHere ? [document.config, ...document.layers] : [];
  const contentBytes = (bytes?.byteLength ?? 0) + blobs.reduce((sum, blob) => sum + blob.size, 0);
  return [{ descriptor, isAvailable: isHere, contentBytes, kind: kindOf(descriptor) }];
}

async function summariseImage(
  context: ImagesContext,
  descriptor: Descriptor,
  imageID: ImageID,
): Promise<ManifestSummary> {
  const { records } = context;
  const layers = records.layers(imageID);
  const { os = "", architecture = "", variant } = records.find(imageID)?.document ?? {};
  const configBytes = await context.content.size(imageID).catch(() => 0);
  const platform = descriptor.platform ?? { os, architecture, ...(variant === undefined ? {} : { variant }) };
  return {
    descriptor,
    isAvailable: true,
    // Layers are not kept as they came: what containers mount is all there is of them.
    contentBytes: descriptor.size + configBytes,
    kind: {
      type: "image",
      platform,
      imageID,
      containers: context.containersUsing(imageID).map((user) => user.id),
      unpackedBytes: layers.reduce((sum, layer) => sum + layer.fileBytes, 0),
    },
  };
}

/** Of a manifest that is not here as an image. */
function kindOf(descriptor: Descriptor): ManifestSummary["kind"] {
  const of = attestedManifest(descriptor);
  if (of !== undefined) return { type: "attestation", of };
  const { platform } = descriptor;
  if (!platform || platform.os === "unknown") return { type: "unknown" };
  return { type: "image", platform, containers: [], unpackedBytes: 0 };
}

/** Its last name may have gone meanwhile, and the blob with it. */
async function readHere({ content }: ImagesContext, digest: Digest): Promise<Uint8Array | undefined> {
  try {
    return await content.read(digest);
  } catch (error) {
    if (isKind(error, "not-found")) return undefined;
    throw error;
  }
}
