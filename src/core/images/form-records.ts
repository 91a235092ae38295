import type { RepositoryName } from "#api/distribution";
import type { Digest } from "#api/oci";
import type { DiffID } from "#core/snapshots";
import type { Database } from "#lib/db";

/** Of a blob that many repositories have, those seen last are remembered: mounting needs one, and one more if that went. */
const SOURCES_LIMIT = 16;

/** A layer as a registry has it. */
export interface LayerForm {
  readonly digest: Digest;
  readonly diffID: DiffID;
  readonly bytes: number;
  /** Of a layer, in OCI's words. */
  readonly mediaType: string;
  /** Made by us: what making it again would give. */
  readonly isOwn: boolean;
  /** Whether its bytes lie in the content store under `digest`. */
  readonly isCached: boolean;
}

interface FormRow {
  readonly digest: Digest;
  readonly diff_id: DiffID;
  readonly bytes: number;
  readonly media_type: string;
  readonly is_own: number;
  readonly cached_at: number | null;
}

/** The compressed forms of layers: their digests, who has them, and which of them we keep. They go with their layer. */
export class FormRecords {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  find(digest: Digest): LayerForm | undefined {
    const row = this.#database.get<FormRow>("SELECT * FROM layer_forms WHERE digest = ?", digest);
    return row && formOf(row);
  }

  ofLayer(diffID: DiffID): LayerForm[] {
    return this.#database
      .all<FormRow>("SELECT * FROM layer_forms WHERE diff_id = ? ORDER BY digest", diffID)
      .map(formOf);
  }

  /** Notes a form of a layer that is recorded. */
  add(form: Omit<LayerForm, "isCached">): void {
    this.#database.runSoon(
      `INSERT INTO layer_forms (digest, diff_id, bytes, media_type, is_own) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (digest) DO UPDATE SET is_own = max(is_own, excluded.is_own)`,
      form.digest,
      form.diffID,
      form.bytes,
      form.mediaType,
      form.isOwn,
    );
  }

  /** Repositories that have a blob, the one seen last first. */
  sources(digest: Digest): RepositoryName[] {
    return this.#database
      .all<{ repository: RepositoryName }>(
        "SELECT repository FROM blob_sources WHERE digest = ? ORDER BY seen_at DESC, repository",
        digest,
      )
      .map((row) => row.repository);
  }

  addSource(digest: Digest, repository: RepositoryName, nowMs: number): void {
    this.#database.runSoon(
      `INSERT INTO blob_sources (digest, repository, seen_at) VALUES (?, ?, ?)
       ON CONFLICT (digest, repository) DO UPDATE SET seen_at = excluded.seen_at`,
      digest,
      repository,
      nowMs,
    );
    for (const old of this.sources(digest).slice(SOURCES_LIMIT)) this.removeSource(digest, old);
  }

  /** The repository has it no more. */
  removeSource(digest: Digest, repository: RepositoryName): void {
    this.#database.runSoon("DELETE FROM blob_sources WHERE digest = ? AND repository = ?", digest, repository);
  }

  sweepSources(): void {
    this.#database.runSoon(
      `DELETE FROM blob_sources
       WHERE NOT EXISTS (SELECT 1 FROM layer_forms WHERE layer_forms.digest = blob_sources.digest)
         AND NOT EXISTS (SELECT 1 FROM manifests WHERE manifests.digest = blob_sources.digest)
         AND NOT EXISTS (SELECT 1 FROM manifest_blobs WHERE manifest_blobs.digest = blob_sources.digest)`,
    );
  }

  isCached(digest: Digest): boolean {
    const row = this.#database.get("SELECT 1 FROM layer_forms WHERE digest = ? AND cached_at IS NOT NULL", digest);
    return row !== undefined;
  }

  /** The bytes of a form are in the content store, and were used now. */
  markCached(digest: Digest, nowMs: number): void {
    this.#database.run("UPDATE layer_forms SET cached_at = ? WHERE digest = ?", nowMs, digest);
  }

  /** Lets go of bytes that were not used since then, and of those used longest ago until the others fit in `limitBytes`. */
  trimCache({ limitBytes, usedSinceMs }: { limitBytes: number; usedSinceMs: number }): void {
    let bytes = 0;
    const cached = this.#database.all<{ digest: Digest; bytes: number; cached_at: number }>(
      "SELECT digest, bytes, cached_at FROM layer_forms WHERE cached_at IS NOT NULL ORDER BY cached_at DESC, digest",
    );
    for (const form of cached) {
      bytes += form.bytes;
      if (bytes <= limitBytes && form.cached_at >= usedSinceMs) continue;
      this.#database.run("UPDATE layer_forms SET cached_at = NULL WHERE digest = ?", form.digest);
    }
  }
}

function formOf(row: FormRow): LayerForm {
  return {
    digest: row.digest,
    diffID: row.diff_id,
    bytes: row.bytes,
    mediaType: row.media_type,
    isOwn: row.is_own === 1,
    isCached: row.cached_at !== null,
  };
}
