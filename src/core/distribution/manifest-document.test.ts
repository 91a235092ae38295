import { describe, expect, test } from "bun:test";
import { mediaTypeOf } from "./manifest-document.ts";

const OCI = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const V2 = "application/vnd.docker.distribution.manifest.v2+json";
const V1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";

function typeOf(document: unknown, contentType: string | null): string {
  const text = typeof document === "string" ? document : JSON.stringify(document);
  return mediaTypeOf(new TextEncoder().encode(text), contentType);
}

describe("mediaTypeOf()", () => {
  test.each<[string, object, string | null, string]>([
    ["the registry's word", { config: {} }, V2, V2],
    ["without parameters", { config: {} }, `${V2.toUpperCase()}; charset=utf-8`, V2],
    ["both agreeing", { mediaType: OCI, config: {} }, OCI, OCI],
    ["the document's when the registry has none", { mediaType: LIST }, null, LIST],
    ["the document's when the registry's is any file's", { mediaType: LIST }, "application/json", LIST],
    ["what an index looks like", { manifests: [] }, "text/plain; charset=utf-8", INDEX],
    ["what a manifest looks like", { config: {}, layers: [] }, "application/octet-stream", OCI],
    ["an artifact of unknown type", { blobs: [] }, "application/vnd.example+json", "application/vnd.example+json"],
  ])("takes %s", (_name, document, contentType, expected) => {
    expect(typeOf(document, contentType)).toBe(expected);
  });

  test.each<[string, unknown, string | null, string]>([
    ["what is no JSON", "<html>", OCI, "error unmarshalling content: "],
    ["what is no object", "[]", OCI, "error unmarshalling content: the manifest is no JSON object"],
    ["nothing", "", null, "error unmarshalling content: "],
    ["no UTF-8", "\ud800", null, "error unmarshalling content: "],
    ["two opinions", { mediaType: INDEX }, OCI, `if present, mediaType in manifest should be '${OCI}' not '${INDEX}'`],
    ["an index with layers", { manifests: [], layers: [] }, INDEX, "index: expected index but found manifest"],
    ["a list with a config", { manifests: [], config: {} }, LIST, "index: expected index but found manifest"],
    ["a manifest with manifests", { manifests: [], config: {} }, V2, "manifest: expected manifest but found index"],
    [
      "schema 1",
      { schemaVersion: 1 },
      V1,
      "support for Docker Image Format v1 and Docker Image manifest version 2, schema 1",
    ],
    ["schema 1 by its looks", { schemaVersion: 1 }, "application/json", "support for Docker Image Format v1"],
  ])("refuses %s", (_name, document, contentType, message) => {
    expect(() => typeOf(document, contentType)).toThrow(message);
  });
});
