import { formatReference, type Reference, repositoryOf } from "#api/distribution";
import type { Digest } from "#api/oci";
import type { DiffID } from "#core/snapshots";
import type { Database, Migration } from "#lib/db";
import type { ImageDocument, ImageID } from "./image.ts";

export const IMAGE_MIGRATIONS: readonly Migration[] = [
  {
    name: "images/1",
    sql: `
      CREATE TABLE images (
        id TEXT PRIMARY KEY,
        document TEXT NOT NULL,
        -- Digest of the manifest it came with, if that is kept as content.
        manifest TEXT,
        last_tag_time TEXT,
        -- Users have removed it, but containers made from it still need its layers.
        removed INTEGER NOT NULL DEFAULT 0
      ) WITHOUT ROWID;
      CREATE TABLE layers (
        diff_id TEXT PRIMARY KEY,
        blob_bytes INTEGER NOT NULL,
        file_bytes INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE TABLE image_layers (
        image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
        position INTEGER NOT NULL,
        diff_id TEXT NOT NULL REFERENCES layers,
        PRIMARY KEY (image_id, position)
      ) WITHOUT ROWID;
      CREATE INDEX image_layers_by_diff_id ON image_layers (diff_id);
      CREATE TABLE image_names (
        name TEXT PRIMARY KEY,
        repository TEXT NOT NULL,
        is_digest INTEGER NOT NULL,
        image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE
      ) WITHOUT ROWID;
      CREATE INDEX image_names_by_image ON image_names (image_id);
      -- Built-in images that were offered once: whoever removes one does not get it back.
      CREATE TABLE image_seeds (name TEXT PRIMARY KEY) WITHOUT ROWID;
    `,
  },
];

/** A layer as it lies in the content store. */
export interface StoredLayer {
  readonly diffID: DiffID;
  /** Of the tar. */
  readonly blobBytes: number;
  /** Of the files in it: what Docker calls the size of a layer. */
  readonly fileBytes: number;
}

export interface NewImage {
  readonly id: ImageID;
  readonly document: ImageDocument;
  readonly layers: readonly StoredLayer[];
  readonly manifest?: Digest;
}

export interface ImageRecord {
  readonly id: ImageID;
  readonly document: ImageDocument;
  readonly manifest?: Digest;
  readonly lastTagTime?: string;
  readonly removed: boolean;
}

/** A name of an image: `docker.io/library/busybox:latest`, or with a digest instead of the tag. */
export interface ImageName {
  readonly name: string;
  readonly repository: string;
  readonly isDigest: boolean;
}

interface ImageRow {
  readonly id: ImageID;
  readonly document: string;
  readonly manifest: Digest | null;
  readonly last_tag_time: string | null;
  readonly removed: number;
}

interface NameRow {
  readonly name: string;
  readonly repository: string;
  readonly is_digest: number;
}

/** The rows of the images. All is synchronous: a decision and the change that follows from it share one turn. */
export class ImageRecords {
  readonly #database: Database;
  /** Documents never change under their ID, and parsing them is most of a listing's work. */
  readonly #documents = new Map<ImageID, ImageDocument>();

  constructor(database: Database) {
    this.#database = database;
  }

  transaction<T>(body: () => T): T {
    return this.#database.transaction(body);
  }

  find(id: string): ImageRecord | undefined {
    const row = this.#database.get<ImageRow>("SELECT * FROM images WHERE id = ?", id);
    return row && this.#record(row);
  }

  /** Those that users see. */
  all(): ImageRecord[] {
    const rows = this.#database.all<ImageRow>("SELECT * FROM images WHERE removed = 0");
    return rows.map((row) => this.#record(row));
  }

  /** IDs of removed images whose layers are still kept. */
  removed(): ImageID[] {
    return this.#database.all<{ id: ImageID }>("SELECT id FROM images WHERE removed = 1").map((row) => row.id);
  }

  /** IDs that begin so (after `sha256:`), two at most. `prefix` is hexadecimal. */
  findByPrefix(prefix: string): ImageID[] {
    const rows = this.#database.all<{ id: ImageID }>(
      "SELECT id FROM images WHERE id GLOB ? AND removed = 0 LIMIT 2",
      `sha256:${prefix}*`,
    );
    return rows.map((row) => row.id);
  }

  findByName(name: string): ImageID | undefined {
    return this.#database.get<{ image_id: ImageID }>("SELECT image_id FROM image_names WHERE name = ?", name)?.image_id;
  }

  names(id: ImageID): ImageName[] {
    const rows = this.#database.all<NameRow>(
      "SELECT name, repository, is_digest FROM image_names WHERE image_id = ? ORDER BY name",
      id,
    );
    return rows.map((row) => ({ name: row.name, repository: row.repository, isDigest: row.is_digest === 1 }));
  }

  /** Tags of a repository with their images, in the order of their names. */
  tagsOf(repository: string): { name: string; id: ImageID }[] {
    return this.#database.all<{ name: string; id: ImageID }>(
      "SELECT name, image_id AS id FROM image_names WHERE repository = ? AND is_digest = 0 ORDER BY name",
      repository,
    );
  }

  layers(id: ImageID): StoredLayer[] {
    return this.#database.all<StoredLayer & Record<string, string | number>>(
      `SELECT layers.diff_id AS diffID, blob_bytes AS blobBytes, file_bytes AS fileBytes
       FROM image_layers JOIN layers USING (diff_id) WHERE image_id = ? ORDER BY position`,
      id,
    );
  }

  /** Adds an image, or brings one back that was removed. Of one that is here only a better manifest is taken. */
  add(image: NewImage): void {
    this.#database.run(
      `INSERT INTO images (id, document, manifest) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET removed = 0, manifest = coalesce(excluded.manifest, manifest)`,
      image.id,
      JSON.stringify(image.document),
      image.manifest ?? null,
    );
    image.layers.forEach((layer, position) => {
      this.#database.run(
        "INSERT OR IGNORE INTO layers (diff_id, blob_bytes, file_bytes) VALUES (?, ?, ?)",
        layer.diffID,
        layer.blobBytes,
        layer.fileBytes,
      );
      this.#database.run(
        "INSERT OR IGNORE INTO image_layers (image_id, position, diff_id) VALUES (?, ?, ?)",
        image.id,
        position,
        layer.diffID,
      );
    });
  }

  /** Gives a name to an image; another one loses it. */
  setName(reference: Reference, id: ImageID, time: string): void {
    this.#database.run(
      `INSERT INTO image_names (name, repository, is_digest, image_id) VALUES (?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET image_id = excluded.image_id`,
      formatReference(reference),
      repositoryOf(reference),
      reference.digest === undefined ? 0 : 1,
      id,
    );
    this.#database.run("UPDATE images SET last_tag_time = ? WHERE id = ?", time, id);
  }

  removeName(name: string): void {
    this.#database.run("DELETE FROM image_names WHERE name = ?", name);
  }

  /** Users see it no more; its layers stay until `forget`. */
  hide(id: ImageID): void {
    this.#database.run("UPDATE images SET removed = 1 WHERE id = ?", id);
  }

  /** Removes the image and returns the layers that no other image has. */
  forget(id: ImageID): StoredLayer[] {
    return this.transaction(() => {
      const layers = this.layers(id);
      this.#database.run("DELETE FROM images WHERE id = ?", id);
      this.#documents.delete(id);
      return layers.filter((layer) => this.#removeUnusedLayer(layer.diffID));
    });
  }

  /** Whether an image has the blob as its config, manifest or layer, removed images included. */
  usesBlob(digest: Digest): boolean {
    const row = this.#database.get(
      `SELECT 1 FROM images WHERE id = ?1 OR manifest = ?1
       UNION ALL SELECT 1 FROM layers WHERE diff_id = ?1 LIMIT 1`,
      digest,
    );
    return row !== undefined;
  }

  /** The stacks of layers of all images, removed ones included. */
  chains(): DiffID[][] {
    const rows = this.#database.all<{ id: ImageID }>("SELECT id FROM images");
    return rows.map((row) => this.layers(row.id).map((layer) => layer.diffID));
  }

  /** Bytes of all layers, each once. */
  layerBytes(): number {
    const row = this.#database.get<{ total: number }>("SELECT coalesce(sum(blob_bytes), 0) AS total FROM layers");
    return row?.total ?? 0;
  }

  isSeeded(name: string): boolean {
    return this.#database.get("SELECT 1 FROM image_seeds WHERE name = ?", name) !== undefined;
  }

  markSeeded(name: string): void {
    this.#database.run("INSERT OR IGNORE INTO image_seeds (name) VALUES (?)", name);
  }

  #removeUnusedLayer(diffID: DiffID): boolean {
    return (
      this.#database.run(
        `DELETE FROM layers WHERE diff_id = ?1
         AND NOT EXISTS (SELECT 1 FROM image_layers WHERE image_layers.diff_id = ?1)`,
        diffID,
      ) > 0
    );
  }

  #record(row: ImageRow): ImageRecord {
    return {
      id: row.id,
      document: this.#document(row),
      ...(row.manifest === null ? {} : { manifest: row.manifest }),
      ...(row.last_tag_time === null ? {} : { lastTagTime: row.last_tag_time }),
      removed: row.removed === 1,
    };
  }

  #document(row: ImageRow): ImageDocument {
    let document = this.#documents.get(row.id);
    if (!document) {
      document = JSON.parse(row.document) as ImageDocument;
      this.#documents.set(row.id, document);
    }
    return document;
  }
}
