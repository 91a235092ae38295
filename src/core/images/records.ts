import { formatReference, type Reference, repositoryOf } from "#api/distribution";
import type { Digest, Platform } from "#api/oci";
import type { DiffID } from "#core/snapshots";
import type { Database } from "#lib/db";
import { FormRecords } from "./form-records.ts";
import type { ImageDocument, ImageID } from "./image.ts";
import { ManifestRecords } from "./manifest-records.ts";
import { byPlatform } from "./platform.ts";

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
  readonly parent?: ImageID;
}

export interface ImageRecord {
  readonly id: ImageID;
  readonly document: ImageDocument;
  /** The image that it was committed over, which may have gone. */
  readonly parent?: ImageID;
  /** Digest of a manifest that describes it. */
  readonly manifest?: Digest;
  readonly lastTagTime?: string;
  readonly removed: boolean;
}

/** A name of an image: `docker.io/library/busybox:latest`, or with a digest instead of the tag. */
export interface ImageName {
  readonly name: string;
  readonly repository: string;
  readonly isDigest: boolean;
  /** Digest of the index or manifest that it stands for; undefined for what was made here. */
  readonly target?: Digest;
}

/** An image that a name holds, and for which platform. */
export interface PlatformImage {
  readonly platform: string;
  readonly id: ImageID;
}

interface ImageRow {
  readonly id: ImageID;
  readonly document: string;
  readonly manifest: Digest | null;
  readonly last_tag_time: string | null;
  readonly removed: number;
  readonly parent: ImageID | null;
}

interface NameRow {
  readonly name: string;
  readonly repository: string;
  readonly is_digest: number;
  readonly target: Digest | null;
}

/** The rows of the images. All is synchronous: a decision and the change that follows from it share one turn. */
export class ImageRecords {
  readonly manifests: ManifestRecords;
  readonly forms: FormRecords;
  readonly #database: Database;
  readonly #host: Platform;
  /** Documents never change under their ID, and parsing them is most of a listing's work. */
  readonly #documents = new Map<ImageID, ImageDocument>();

  /** Of several images under a name, the one that suits `host` best is meant. */
  constructor(database: Database, host: Platform) {
    this.#database = database;
    this.#host = host;
    this.manifests = new ManifestRecords(database);
    this.forms = new FormRecords(database);
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

  /** Names that stand for something at a registry. */
  targets(): { readonly name: string; readonly target: Digest }[] {
    return this.#database.all<{ name: string; target: Digest }>(
      "SELECT name, target FROM image_names WHERE target IS NOT NULL",
    );
  }

  /** The image of a name that suits this machine best. */
  findByName(name: string): ImageID | undefined {
    return this.imagesOf(name)[0]?.id;
  }

  findName(name: string): ImageName | undefined {
    const row = this.#database.get<NameRow>("SELECT * FROM image_names WHERE name = ?", name);
    return row && nameOf(row);
  }

  /** All images of a name: first those that this machine runs, the best of them before the others; then in the order they came. */
  imagesOf(name: string): PlatformImage[] {
    const rows = this.#database.all<{ platform: string; id: ImageID }>(
      "SELECT platform, image_id AS id FROM name_images WHERE name = ? ORDER BY rowid",
      name,
    );
    return rows.length < 2 ? rows : byPlatform(rows, this.#host);
  }

  names(id: ImageID): ImageName[] {
    const rows = this.#database.all<NameRow>(
      "SELECT * FROM image_names JOIN name_images USING (name) WHERE image_id = ? ORDER BY name",
      id,
    );
    return rows.map(nameOf);
  }

  /** Tags of a repository with their images, in the order of their names. */
  tagsOf(repository: string): { name: string; id: ImageID }[] {
    const rows = this.#database.all<{ name: string }>(
      "SELECT name FROM image_names WHERE repository = ? AND is_digest = 0 ORDER BY name",
      repository,
    );
    return rows.flatMap(({ name }) =>
      this.imagesOf(name)
        .slice(0, 1)
        .map(({ id }) => ({ name, id })),
    );
  }

  layers(id: ImageID): StoredLayer[] {
    return this.#database.all<StoredLayer & Record<string, string | number>>(
      `SELECT layers.diff_id AS diffID, blob_bytes AS blobBytes, file_bytes AS fileBytes
       FROM image_layers JOIN layers USING (diff_id) WHERE image_id = ? ORDER BY position`,
      id,
    );
  }

  findLayer(diffID: DiffID): StoredLayer | undefined {
    return this.#database.get<StoredLayer & Record<string, string | number>>(
      "SELECT diff_id AS diffID, blob_bytes AS blobBytes, file_bytes AS fileBytes FROM layers WHERE diff_id = ?",
      diffID,
    );
  }

  /** Adds an image, or brings one back that was removed. Of one that is here only a better manifest is taken. */
  add(image: NewImage): void {
    this.#database.run(
      `INSERT INTO images (id, document, manifest, parent) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET removed = 0, manifest = coalesce(excluded.manifest, manifest)`,
      image.id,
      JSON.stringify(image.document),
      image.manifest ?? null,
      image.parent ?? null,
    );
    image.layers.forEach((layer, position) => {
      this.#addLayer(layer, null);
      this.#database.run(
        "INSERT OR IGNORE INTO image_layers (image_id, position, diff_id) VALUES (?, ?, ?)",
        image.id,
        position,
        layer.diffID,
      );
    });
  }

  /**
   * Keeps a layer that no image has yet until `untilMs`. A power cut may undo it: the layer is garbage then.
   */
  keepLayer(layer: StoredLayer, untilMs: number): void {
    this.#addLayer(layer, untilMs);
  }

  /** Lets go of layers that were kept for long enough, and of the oldest ones beyond `limitBytes`. */
  expireLayers({ nowMs, limitBytes }: { nowMs: number; limitBytes: number }): void {
    const kept = this.#database.all<{ diffID: DiffID; bytes: number; until: number }>(
      `SELECT diff_id AS diffID, blob_bytes AS bytes, kept_until AS until FROM layers
       WHERE kept_until IS NOT NULL AND NOT EXISTS (SELECT 1 FROM image_layers WHERE image_layers.diff_id = layers.diff_id)
       ORDER BY kept_until DESC`,
    );
    let bytes = 0;
    for (const layer of kept) {
      bytes += layer.bytes;
      if (layer.until <= nowMs || bytes > limitBytes) this.#removeUnusedLayer(layer.diffID);
    }
  }

  /**
   * Gives a name to images. Where it stands for the same target as before, images of other platforms stay under it; else it loses
   * all that it held.
   */
  setName(reference: Reference, value: { readonly images: readonly PlatformImage[]; readonly target?: Digest }): void {
    const name = formatReference(reference);
    const target = value.target ?? null;
    const isSame = target !== null && this.findName(name)?.target === target;
    this.#database.run(
      `INSERT INTO image_names (name, repository, is_digest, target) VALUES (?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET target = excluded.target`,
      name,
      repositoryOf(reference),
      reference.digest === undefined ? 0 : 1,
      target,
    );
    if (!isSame) this.#database.run("DELETE FROM name_images WHERE name = ?", name);
    for (const { platform, id } of value.images) {
      this.#database.run(
        `INSERT INTO name_images (name, platform, image_id) VALUES (?, ?, ?)
         ON CONFLICT (name, platform) DO UPDATE SET image_id = excluded.image_id`,
        name,
        platform,
        id,
      );
    }
    this.sweep();
  }

  /** Notes that a user gave it a name. */
  setTagTime(id: ImageID, time: string): void {
    this.#database.run("UPDATE images SET last_tag_time = ? WHERE id = ?", time, id);
  }

  /** Notes another manifest that describes an image. */
  setManifest(id: ImageID, manifest: Digest): void {
    this.#database.run("UPDATE images SET manifest = ? WHERE id = ?", manifest, id);
  }

  removeName(name: string): void {
    this.#database.run("DELETE FROM image_names WHERE name = ?", name);
    this.sweep();
  }

  /** Takes one image away from a name; the name goes with its last one. */
  removeFromName(name: string, id: ImageID): void {
    this.#database.run("DELETE FROM name_images WHERE name = ? AND image_id = ?", name, id);
    if (this.imagesOf(name).length === 0) this.removeName(name);
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
      const gone = layers.filter((layer) => this.#removeUnusedLayer(layer.diffID));
      this.sweep();
      return gone;
    });
  }

  /** Drops rows that nothing refers to any more: names of no image, manifests of no name or image, and who has their blobs. */
  sweep(): void {
    this.#database.run(
      "DELETE FROM image_names WHERE NOT EXISTS (SELECT 1 FROM name_images WHERE name_images.name = image_names.name)",
    );
    this.manifests.sweep();
    this.forms.sweepSources();
  }

  /** Whether the blob is kept for an image (removed ones included), for an index, or for the next try of a pull or push. */
  usesBlob(digest: Digest): boolean {
    const row = this.#database.get(
      `SELECT 1 FROM images WHERE id = ?1 OR manifest = ?1
       UNION ALL SELECT 1 FROM layers WHERE diff_id = ?1 LIMIT 1`,
      digest,
    );
    return row !== undefined || this.manifests.usesBlob(digest) || this.forms.isCached(digest);
  }

  /** The stacks of layers of all images, removed ones included. */
  chains(): DiffID[][] {
    const rows = this.#database.all<{ id: ImageID }>("SELECT id FROM images");
    return rows.map((row) => this.layers(row.id).map((layer) => layer.diffID));
  }

  isSeeded(name: string): boolean {
    return this.#database.get("SELECT 1 FROM image_seeds WHERE name = ?", name) !== undefined;
  }

  markSeeded(name: string): void {
    this.#database.run("INSERT OR IGNORE INTO image_seeds (name) VALUES (?)", name);
  }

  #addLayer(layer: StoredLayer, keptUntil: number | null): void {
    this.#database.runSoon(
      `INSERT INTO layers (diff_id, blob_bytes, file_bytes, kept_until) VALUES (?, ?, ?, ?)
       ON CONFLICT (diff_id) DO UPDATE SET kept_until = excluded.kept_until`,
      layer.diffID,
      layer.blobBytes,
      layer.fileBytes,
      keptUntil,
    );
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
      ...(row.parent === null ? {} : { parent: row.parent }),
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

function nameOf(row: NameRow): ImageName {
  return {
    name: row.name,
    repository: row.repository,
    isDigest: row.is_digest === 1,
    ...(row.target === null ? {} : { target: row.target }),
  };
}
