/** tug as a registry: the OCI distribution specification over a BlobStore and a ManifestStore. */
export type { BlobStore, ByteRange } from "./blobs/blob-store.ts";
export type { SharedFiles } from "./blobs/file-store.ts";
export { createRegistry } from "./create-registry.ts";
export { errorResponse, RegistryError } from "./errors.ts";
export type { ManifestStore } from "./metadata/manifest-store.ts";
export type {
  Access,
  Action,
  Authorization,
  Notify,
  Peer,
  Principal,
  Registry,
  RegistryContent,
  RegistryEvent,
  RegistryOptions,
  Scope,
  Upstream,
} from "./registry.ts";
export type { RegistrySettings, RepositorySettings, RetentionRule } from "./settings.ts";
export { openFileStorage, type RegistryStorage } from "./storage.ts";
