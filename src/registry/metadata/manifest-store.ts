import type { Descriptor, Digest } from "#api/oci";

/**
 * What the registry knows: repositories, manifests and their bytes, tags, which blobs are in which repository, open uploads.
 *
 * Reads and writes are synchronous and each write is one transaction, so that what one request decides no other changes underneath
 * it. A write is visible at once and durable when a later call of `durable` has resolved; who acknowledges it waits for that.
 *
 * References are counted: a blob of a repository by the manifests of that repository; a manifest by its tags, by the indexes that
 * list it, and by the manifest that it is about. What nobody refers to is **idle** since a point in time, and the collector
 * takes what is idle for long. Times are milliseconds since 1970.
 */
export interface ManifestStore extends ManifestReads, ManifestWrites, ManifestCollection {
  /** Resolves when everything written before the call outlives a power cut. @throws `unavailable` when it cannot be stored now */
  durable(): Promise<void>;
}

interface ManifestReads {
  /** Those that have a manifest, in lexical order, after `last`. */
  repositories(page: Page): string[];
  /** True as soon as anything was pushed to it. */
  hasRepository(repository: string): boolean;
  /** The bytes that it holds: each blob once, and manifests. */
  usedBytes(repository: string): number;

  findManifest(repository: string, digest: Digest): StoredManifest | undefined;
  findTag(repository: string, tag: string): Digest | undefined;
  /** In lexical order, those after `last`. */
  tags(repository: string, page: Page): string[];
  tagsOf(repository: string, digest: Digest): string[];
  /** Manifests of the repository that are about `subject`, by digest, those after `last`. */
  referrers(repository: string, subject: Digest, page: Page & { readonly artifactType?: string }): Referrer[];

  findBlob(repository: string, digest: Digest): LinkedBlob | undefined;
  /** Some repositories that a blob is in. */
  repositoriesWith(digest: Digest, limit: number): string[];
  hasUpload(repository: string, id: string): boolean;
  /** Of everything together. It counts, so it is not for every request. */
  totals(): Totals;
}

export interface Totals {
  readonly repositories: number;
  readonly manifests: number;
  readonly tags: number;
  /** Each once, in however many repositories it is; and the bytes of these, with those of manifests. */
  readonly blobs: number;
  readonly bytes: number;
  readonly uploads: number;
}

interface ManifestWrites {
  /** Stores it, and moves the tag if there is one. Storing one again is fine. */
  putManifest(repository: string, manifest: NewManifest, tag?: string): void;
  /** With its tags; false when there was none. */
  removeManifest(repository: string, digest: Digest): boolean;
  removeTag(repository: string, tag: string): boolean;
  /** A blob whose bytes are stored becomes one of the repository; doing so again starts its time of grace anew. */
  linkBlob(repository: string, digest: Digest, size: number): void;
  unlinkBlob(repository: string, digest: Digest): boolean;
  startUpload(repository: string, id: string): void;
  /** Starts the upload's time to expire anew. */
  touchUpload(id: string): void;
  endUpload(id: string): void;
}

/** What the collector and retention ask. */
interface ManifestCollection {
  uploadsIdleSince(timeMs: number): string[];
  /** Blobs of repositories that no manifest there has referred to since `timeMs`. */
  blobsIdleSince(timeMs: number, limit: number): { readonly repository: string; readonly digest: Digest }[];
  manifestsIdleSince(repository: string, timeMs: number, limit: number): Digest[];
  /** Blobs that are in no repository any more. */
  unlinkedBlobs(limit: number): Digest[];
  /** Forgets a blob that is in no repository; false, and nothing happens, when it is in one. */
  forgetBlob(digest: Digest): boolean;
  /** Whether anything is known of the blob, in whatever repository. */
  knowsBlob(digest: Digest): boolean;
  knowsUpload(id: string): boolean;
  /** All tags of a repository, the one that was set last first. */
  tagHistory(repository: string): { readonly tag: string; readonly digest: Digest; readonly setMs: number }[];
  /** Whether a tag, an index or a subject of the repository refers to the manifest. */
  isManifestUsed(repository: string, digest: Digest): boolean;
  /** Forgets repositories that hold nothing. */
  forgetEmptyRepositories(): void;
}

/** A part of an ordered list. */
export interface Page {
  readonly limit: number;
  readonly last?: string;
}

export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** A manifest with what was read from it. */
export interface NewManifest extends StoredManifest {
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly subject?: Digest;
  /** Config and layers. */
  readonly blobs: readonly Digest[];
  /** Of an index. */
  readonly manifests: readonly Digest[];
}

export interface LinkedBlob {
  readonly size: number;
  /** Whether a manifest of the repository refers to it. */
  readonly isUsed: boolean;
}

/** An entry of the referrers list. */
export interface Referrer extends Descriptor {
  readonly artifactType?: string;
}
