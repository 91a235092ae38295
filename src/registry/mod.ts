/** tug as a registry: the OCI distribution specification over a BlobStore and a ManifestStore. */
export { AuditLog } from "./access/audit.ts";
export { parseHtpasswd } from "./access/htpasswd.ts";
export {
  type AccessSettings,
  DEFAULT_TOKENS,
  type OpenAccess,
  type OwnTokens,
  openAccess,
  type TokenService,
} from "./access/open-access.ts";
export { type AccessRule, ANONYMOUS_RIGHTS } from "./access/rules.ts";
export type { BlobStore, ByteRange } from "./blobs/blob-store.ts";
export type { SharedFiles } from "./blobs/file-store.ts";
export { createRegistry } from "./create-registry.ts";
export { errorResponse, RegistryError } from "./errors.ts";
export type { ManifestStore } from "./metadata/manifest-store.ts";
export type { Deliveries, EndpointSettings } from "./notify/endpoint.ts";
export { type Notifier, openNotifier } from "./notify/notifier.ts";
export { compilePattern } from "./pattern.ts";
export { BlobFetches } from "./proxy/blob-fetches.ts";
export { CacheRecords, PROXY_MIGRATIONS } from "./proxy/cache-records.ts";
export { createPullThrough, type PullThrough } from "./proxy/pull-through.ts";
export type { UpstreamManifest, UpstreamRoute, UpstreamSource } from "./proxy/source.ts";
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
export type { BucketOptions } from "./s3/bucket.ts";
export { openS3Storage } from "./s3/storage.ts";
export { auditRecord } from "./serve/audit-exchange.ts";
export { createHandler } from "./serve/handler.ts";
export { type Listener, listen, type TlsFiles } from "./serve/listen.ts";
export { createMetrics, type MetricSource, type Metrics } from "./serve/metrics.ts";
export { type OwnCertificate, ownCertificate } from "./serve/tls/own-authority.ts";
export { type WatchedAccess, watchAccess } from "./serve/watched-access.ts";
export type { RegistrySettings, RepositorySettings, RetentionRule } from "./settings.ts";
export { openFileStorage, type RegistryStorage } from "./storage.ts";
