/** OCI documents: digests, the image specification's descriptors and manifests, the runtime specification's `config.json`. */
export { type Digest, hexOf, isDigest, parseDigest } from "./digest.ts";
export { ANNOTATIONS, type Descriptor, type Index, type Manifest, MEDIA_TYPES, type Platform } from "./image-spec.ts";
export type * from "./runtime-spec.ts";
