import { describe, expect, test } from "bun:test";
import { type Descriptor, type Digest, MEDIA_TYPES } from "#api/oci";
import { seededRandom } from "#fixtures";
import { EngineError } from "#lib/errors";
import { attestedManifest, checkImageManifest, isImageManifest, parseManifest } from "./manifest-document.ts";

const HEX = "a".repeat(64);
const DIGEST = `sha256:${HEX}` as Digest;
const layer = { mediaType: MEDIA_TYPES.ociLayerGzip, digest: DIGEST, size: 3 };
const config = { mediaType: MEDIA_TYPES.ociConfig, digest: DIGEST, size: 2 };
const MANIFEST = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers: [layer, layer] };
const ENTRY = {
  mediaType: MEDIA_TYPES.ociManifest,
  digest: DIGEST,
  size: 5,
  platform: { os: "linux", architecture: "arm", variant: "v7" },
  annotations: { a: "b" },
};
const INDEX = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [ENTRY] };

const bytesOf = (document: unknown) => Buffer.from(JSON.stringify(document));

describe("parseManifest()", () => {
  test("reads a manifest and an index", () => {
    const mediaType = MEDIA_TYPES.ociManifest;
    expect(parseManifest(bytesOf(MANIFEST))).toEqual({ kind: "manifest", mediaType, config, layers: [layer, layer] });
    expect(parseManifest(bytesOf(INDEX))).toEqual({ kind: "index", mediaType: MEDIA_TYPES.ociIndex, entries: [ENTRY] });
  });

  test("takes the type from the registry where the document does not say it", () => {
    const { mediaType: _, ...silent } = MANIFEST;
    expect(parseManifest(bytesOf(silent), MEDIA_TYPES.dockerManifest).mediaType).toBe(MEDIA_TYPES.dockerManifest);
    expect(parseManifest(bytesOf(silent)).mediaType).toBe(MEDIA_TYPES.ociManifest);
  });

  test.each<[string, unknown, string | undefined]>([
    ['it is "application/vnd.oci.image.manifest.v1+json" by its own words', MANIFEST, MEDIA_TYPES.dockerManifest],
    ["unsupported manifest format", { ...MANIFEST, ...INDEX }, undefined],
    ["unsupported manifest format", {}, undefined],
    ["unsupported media type", { ...INDEX, mediaType: MEDIA_TYPES.ociManifest }, undefined],
    ["not an object", [], undefined],
    ["layers: not a list", { ...MANIFEST, layers: {} }, undefined],
    ["config: not an object", { ...MANIFEST, config: 1 }, undefined],
    ["digest: not a string", { ...MANIFEST, config: { ...config, digest: 1 } }, undefined],
    ["is no digest", { ...MANIFEST, config: { ...config, digest: "sha256:abc" } }, undefined],
    ["size: not a size", { ...MANIFEST, config: { ...config, size: 1.5 } }, undefined],
    ["size: not a size", { ...MANIFEST, config: { ...config, size: "1" } }, undefined],
    ["entries are more than 1024", { ...INDEX, manifests: Array(1025).fill(ENTRY) }, undefined],
  ])("refuses: %s", (message, document, mediaType) => {
    expect(() => parseManifest(bytesOf(document), mediaType)).toThrow(message);
  });

  /** A seed that fails shows which. */
  test.each(Array.from({ length: 20 }, (_, seed) => seed))("survives changed bytes, seed %i", (seed) => {
    const random = seededRandom(seed);
    for (let round = 0; round < 200; round++) {
      const bytes = bytesOf(random() < 0.5 ? MANIFEST : INDEX);
      for (let change = 0; change < 3; change++)
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      try {
        const document = parseManifest(
          bytes.subarray(0, random() < 0.2 ? Math.floor(random() * bytes.length) : undefined),
        );
        if (document.kind === "manifest") isImageManifest(document);
        else document.entries.map(attestedManifest);
      } catch (error) {
        expect(error).toBeInstanceOf(EngineError);
      }
    }
  });
});

test("checkImageManifest() takes Docker's and OCI's types, and configs of faulty pushers", () => {
  const manifest = (configType: string, layerType: string) => {
    const document = parseManifest(
      bytesOf({
        ...MANIFEST,
        config: { ...config, mediaType: configType },
        layers: [{ ...layer, mediaType: layerType }],
      }),
    );
    if (document.kind === "index") throw new Error("an index");
    return document;
  };
  for (const type of [MEDIA_TYPES.ociConfig, MEDIA_TYPES.dockerConfig, "application/octet-stream"]) {
    for (const of of [MEDIA_TYPES.ociLayer, MEDIA_TYPES.ociLayerZstd, MEDIA_TYPES.dockerLayerGzip])
      checkImageManifest(manifest(type, of));
  }
  expect(() => checkImageManifest(manifest("application/vnd.weird", MEDIA_TYPES.ociLayer))).toThrow(
    "unsupported media type",
  );
});

test("attestedManifest() tells BuildKit's attestations", () => {
  const annotations = { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": DIGEST };
  const entry: Descriptor = { ...layer, platform: { os: "unknown", architecture: "unknown" }, annotations };
  expect(attestedManifest(entry)).toBe(DIGEST);
  expect(attestedManifest({ ...entry, platform: { os: "linux", architecture: "amd64" } })).toBeUndefined();
  expect(
    attestedManifest({ ...entry, annotations: { ...annotations, "vnd.docker.reference.digest": "x" } }),
  ).toBeUndefined();
});
