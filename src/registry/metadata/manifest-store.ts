import type { Descriptor, Digest } from "#api/oci";

/**
 * What the registry knows: repositories, manifests and their bytes, tags, which blobs are in which repository, open uploads.
 *
 * Reads and writes are synchronous and each write is one transaction, so that what one request decides no other changes underneath
 * it. A write is visible at once and durable when a later call of `durable` has resolved; who acknowledges it waits for that.
 *
 * References are counted: a blob of a repository by the manifests of that repository, a manifest by tags, indexes and the manifest
 * that it is about. What nobody refers to is **idle** since a point in time, and the collector takes what is idle for long.
 */
export interface ManifestStore {
  durable(): Promise<void>;

  /** In lexical order, those after `last`. */
  repositories(page: Page): string[];
  hasRepository(repository: string): boolean;

  findManifest(repository: string, digest: Digest): StoredManifest | undefined;
  /** Stores it, and moves the tag if there is one. Storing one again is fine. */
  putManifest(repository: string, manifest: NewManifest, tag?: string): void;
  /** With its tags; false when there was none. */
  removeManifest(repository: string, digest: Digest): boolean;

  findTag(repository: string, tag: string): Digest | undefined;
  /** In lexical order, those after `last`. */
  tags(repository: string, page: Page): string[];
  removeTag(repository: string, tag: string): boolean;

  /** Manifests of the repository whose subject is `subject`, by digest, those after `last`. */
  referrers(repository: string, subject: Digest, page: Page & { readonly artifactType?: string }): Referrer[];

  /** Size of a blob of this repository. */
  findBlob(repository: string, digest: Digest): number | undefined;
  /** A blob whose bytes are in the store becomes one of the repository; doing so again starts its time of grace anew. */
  linkBlob(repository: string, digest: Digest, size: number): void;
  unlinkBlob(repository: string, digest: Digest): boolean;
}

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
  readonly blobs: readonly Descriptor[];
  /** Of an index. */
  readonly manifests: readonly Descriptor[];
}

/** An entry of the referrers list. */
export interface Referrer extends Descriptor {
  readonly artifactType?: string;
}
