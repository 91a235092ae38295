import type { Digest } from "#api/oci";
import type { StoredManifest } from "./manifest-store.ts";

/** What is kept of manifests that are asked for again and again; far more than a working set of tags needs. */
const LIMIT_BYTES = 64 * 1024 * 1024;
/** What an entry costs besides the manifest's bytes, roughly. */
const ENTRY_BYTES = 512;

/**
 * Manifests and tags that were read lately. All reads and writes of a store happen in one thread, and every write to a repository
 * makes it `forget` that repository, so what is here is what the tables say.
 *
 * Names that lead nowhere are not kept: anybody can ask for any number of them.
 */
export class HotManifests {
  readonly #repositories = new Map<string, { manifests: Map<Digest, StoredManifest>; tags: Map<string, Digest> }>();
  #bytes = 0;

  manifest(repository: string, digest: Digest, read: () => StoredManifest | undefined): StoredManifest | undefined {
    const kept = this.#repositories.get(repository)?.manifests.get(digest);
    if (kept !== undefined) return kept;
    const manifest = read();
    if (manifest !== undefined) {
      this.#makeRoom(manifest.bytes.byteLength + ENTRY_BYTES);
      this.#entry(repository).manifests.set(digest, manifest);
    }
    return manifest;
  }

  tag(repository: string, tag: string, read: () => Digest | undefined): Digest | undefined {
    const kept = this.#repositories.get(repository)?.tags.get(tag);
    if (kept !== undefined) return kept;
    const digest = read();
    if (digest !== undefined) {
      this.#makeRoom(ENTRY_BYTES);
      this.#entry(repository).tags.set(tag, digest);
    }
    return digest;
  }

  forget(repository: string): void {
    const entry = this.#repositories.get(repository);
    if (entry === undefined) return;
    this.#repositories.delete(repository);
    this.#bytes -= entry.tags.size * ENTRY_BYTES;
    for (const { bytes } of entry.manifests.values()) this.#bytes -= bytes.byteLength + ENTRY_BYTES;
  }

  /** The repository that was first read from the longest ago goes first. */
  #makeRoom(bytes: number): void {
    this.#bytes += bytes;
    for (const repository of this.#repositories.keys()) {
      if (this.#bytes <= LIMIT_BYTES) return;
      this.forget(repository);
    }
  }

  #entry(repository: string): { manifests: Map<Digest, StoredManifest>; tags: Map<string, Digest> } {
    let entry = this.#repositories.get(repository);
    if (entry === undefined) {
      entry = { manifests: new Map(), tags: new Map() };
      this.#repositories.set(repository, entry);
    }
    return entry;
  }
}
