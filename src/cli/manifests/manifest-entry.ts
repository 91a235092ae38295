import type { Descriptor, Index, Manifest, Platform } from "#api/oci";
import { MEDIA_TYPES } from "#api/oci";
import { EngineError } from "#lib/errors";

/** One manifest of a list that is being put together, in the form in which Docker's command line keeps it in files. */
export interface ManifestEntry {
  /** Where it came from. */
  readonly Ref: string;
  readonly Descriptor: Descriptor;
  /** The document's bytes in base64: its digest is theirs. */
  readonly Raw: string;
  /** The document, under the name of its format. */
  readonly SchemaV2Manifest?: Manifest;
  readonly OCIManifest?: Manifest;
}

/** As Docker writes its lists, which makes the same list the same bytes and so the same digest. */
const LIST_INDENT = "   ";
export const TAB = "\t";

export function manifestOf(entry: ManifestEntry): Manifest | undefined {
  return entry.OCIManifest ?? entry.SchemaV2Manifest;
}

export function isIndex(document: Manifest | Index): document is Index {
  return "manifests" in document;
}

/** The list of these manifests: an OCI index if the first is an OCI manifest, else Docker's. */
export function buildIndex(entries: readonly ManifestEntry[]): Index {
  const isOci = entries[0]?.Descriptor.mediaType === MEDIA_TYPES.ociManifest;
  return {
    schemaVersion: 2,
    mediaType: isOci ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.dockerIndex,
    manifests: entries.map(({ Descriptor: { mediaType, digest, size, platform } }) => ({
      mediaType,
      digest,
      size,
      ...(platform && { platform }),
    })),
  };
}

/** An index as text; each entry's fields in the order of Docker's. */
export function formatIndex({ manifests, ...rest }: Index): string {
  const { schemaVersion, mediaType, ...others } = rest;
  const ordered = manifests.map(({ mediaType, size, digest, platform, ...more }) => {
    return { mediaType, size, digest, ...more, ...(platform && { platform: orderPlatform(platform) }) };
  });
  return JSON.stringify({ schemaVersion, mediaType, manifests: ordered, ...others }, undefined, LIST_INDENT);
}

export function orderPlatform(platform: Platform): Platform {
  const { architecture, os, variant, "os.version": version, "os.features": features, ...others } = platform;
  return {
    architecture,
    os,
    ...(version && { "os.version": version }),
    ...(features && { "os.features": features }),
    ...(variant && { variant }),
    ...others,
  };
}

/** @throws EngineError `invalid-parameter` for an entry that no list may hold */
export function checkPlatform({ Ref, Descriptor: { platform } }: ManifestEntry): void {
  if (platform?.os && platform.architecture) return;
  const message = `manifest ${Ref} must have an OS and Architecture to be pushed to a registry`;
  throw new EngineError("invalid-parameter", message);
}
