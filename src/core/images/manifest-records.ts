import type { Digest } from "#api/oci";
import type { Database } from "#lib/db";
import type { ImageID } from "./image.ts";

/** An index or a manifest that is kept as content. */
export interface ManifestRecord {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: number;
  /** The image that it describes; undefined for an index, and for what is kept as it is: an attestation, an artifact. */
  readonly imageID?: ImageID;
}

export interface NewManifest extends ManifestRecord {
  /** Of an index: manifests that it lists and that are recorded. */
  readonly entries?: readonly Digest[];
  /** Of a manifest: the config and the layers that it lists. */
  readonly blobs?: readonly Digest[];
}

interface ManifestRow {
  readonly digest: Digest;
  readonly media_type: string;
  readonly bytes: number;
  readonly image_id: ImageID | null;
}

/**
 * Which manifests are here, and what they hold. One is kept while a name stands for it, an image was taken from it, or an index
 * lists it that is kept.
 */
export class ManifestRecords {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  find(digest: Digest): ManifestRecord | undefined {
    const row = this.#database.get<ManifestRow>("SELECT * FROM manifests WHERE digest = ?", digest);
    return row && recordOf(row);
  }

  ofImage(id: ImageID): ManifestRecord[] {
    return this.#database
      .all<ManifestRow>("SELECT * FROM manifests WHERE image_id = ? ORDER BY digest", id)
      .map(recordOf);
  }

  add(manifest: NewManifest): void {
    const { digest, mediaType, bytes, imageID, entries = [], blobs = [] } = manifest;
    this.#database.run(
      `INSERT INTO manifests (digest, media_type, bytes, image_id) VALUES (?, ?, ?, ?)
       ON CONFLICT (digest) DO UPDATE
         SET media_type = excluded.media_type, bytes = excluded.bytes, image_id = coalesce(excluded.image_id, image_id)`,
      digest,
      mediaType,
      bytes,
      imageID ?? null,
    );
    for (const entry of entries) {
      this.#database.run("INSERT OR IGNORE INTO index_entries (index_digest, manifest) VALUES (?, ?)", digest, entry);
    }
    for (const blob of blobs) {
      this.#database.run("INSERT OR IGNORE INTO manifest_blobs (manifest, digest) VALUES (?, ?)", digest, blob);
    }
  }

  /** Whether it is a manifest that is kept, or belongs to one that is kept as it is. */
  usesBlob(digest: Digest): boolean {
    const row = this.#database.get(
      `SELECT 1 FROM manifests WHERE digest = ?1
       UNION ALL SELECT 1 FROM manifest_blobs JOIN manifests ON manifests.digest = manifest
         WHERE manifest_blobs.digest = ?1 AND image_id IS NULL LIMIT 1`,
      digest,
    );
    return row !== undefined;
  }

  /** Of a target, what is kept beside its images: itself if it is an index, and with it indexes, artifacts and their blobs. */
  keptWith(target: Digest): Digest[] {
    const rows = this.#database.all<{ digest: Digest }>(
      `WITH RECURSIVE kept (digest) AS (
         SELECT digest FROM manifests WHERE digest = ? AND image_id IS NULL
         UNION SELECT manifest FROM kept
           JOIN index_entries ON index_digest = kept.digest
           JOIN manifests ON manifests.digest = manifest AND image_id IS NULL
       )
       SELECT digest FROM kept
       UNION SELECT manifest_blobs.digest FROM manifest_blobs JOIN kept ON manifest = kept.digest`,
      target,
    );
    return rows.map((row) => row.digest);
  }

  /** Drops those that are not kept any more. */
  sweep(): void {
    const once = () =>
      this.#database.run(
        `DELETE FROM manifests
         WHERE NOT EXISTS (SELECT 1 FROM image_names WHERE target = digest)
           AND NOT EXISTS (SELECT 1 FROM images WHERE id = image_id AND images.manifest = digest)
           AND NOT EXISTS (SELECT 1 FROM index_entries WHERE index_entries.manifest = digest)`,
      );
    // Indexes may hold indexes: what one listed goes after it.
    while (once() > 0);
  }
}

function recordOf(row: ManifestRow): ManifestRecord {
  return {
    digest: row.digest,
    mediaType: row.media_type,
    bytes: row.bytes,
    ...(row.image_id === null ? {} : { imageID: row.image_id }),
  };
}
