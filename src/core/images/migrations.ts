import type { Migration } from "#lib/db";

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
  {
    name: "images/2",
    sql: `
      -- A name holds an image for each of several platforms.
      ALTER TABLE image_names RENAME TO old_image_names;
      CREATE TABLE image_names (
        name TEXT PRIMARY KEY,
        repository TEXT NOT NULL,
        is_digest INTEGER NOT NULL,
        -- Digest of the index or manifest that it stands for; NULL for what was made here.
        target TEXT
      ) WITHOUT ROWID;
      CREATE INDEX image_names_by_repository ON image_names (repository);
      CREATE INDEX image_names_by_target ON image_names (target);
      -- Rows keep the order in which they came.
      CREATE TABLE name_images (
        name TEXT NOT NULL REFERENCES image_names ON DELETE CASCADE,
        platform TEXT NOT NULL,
        image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
        PRIMARY KEY (name, platform)
      );
      CREATE INDEX name_images_by_image ON name_images (image_id);
      INSERT INTO image_names (name, repository, is_digest) SELECT name, repository, is_digest FROM old_image_names;
      INSERT INTO name_images (name, platform, image_id)
        SELECT name,
          document ->> '$.os' || '/' || (document ->> '$.architecture') || coalesce('/' || (document ->> '$.variant'), ''),
          image_id
        FROM old_image_names JOIN images ON images.id = image_id;
      DROP TABLE old_image_names;

      -- Indexes and manifests that are kept as content.
      CREATE TABLE manifests (
        digest TEXT PRIMARY KEY,
        media_type TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        -- The image that it describes; NULL for an index, an attestation, any other artifact.
        image_id TEXT REFERENCES images ON DELETE CASCADE
      ) WITHOUT ROWID;
      CREATE INDEX manifests_by_image ON manifests (image_id);
      -- What an index lists and is here.
      CREATE TABLE index_entries (
        index_digest TEXT NOT NULL REFERENCES manifests ON DELETE CASCADE,
        manifest TEXT NOT NULL REFERENCES manifests ON DELETE CASCADE,
        PRIMARY KEY (index_digest, manifest)
      ) WITHOUT ROWID;
      CREATE INDEX index_entries_by_manifest ON index_entries (manifest);
      -- What a manifest lists. Those of an image are kept as its config and layers, those of anything else as they are.
      CREATE TABLE manifest_blobs (
        manifest TEXT NOT NULL REFERENCES manifests ON DELETE CASCADE,
        digest TEXT NOT NULL,
        PRIMARY KEY (manifest, digest)
      ) WITHOUT ROWID;
      CREATE INDEX manifest_blobs_by_digest ON manifest_blobs (digest);
      INSERT INTO manifests (digest, media_type, bytes, image_id)
        SELECT manifest, 'application/vnd.oci.image.manifest.v1+json', 0, min(id)
        FROM images WHERE manifest IS NOT NULL GROUP BY manifest;

      -- Milliseconds since 1970 until which a layer is kept for an interrupted pull to be tried again.
      ALTER TABLE layers ADD COLUMN kept_until INTEGER;

      -- Layers as registries have them: compressed, or (digest and diff_id alike) not.
      CREATE TABLE layer_forms (
        digest TEXT PRIMARY KEY,
        diff_id TEXT NOT NULL REFERENCES layers ON DELETE CASCADE,
        bytes INTEGER NOT NULL,
        media_type TEXT NOT NULL,
        -- Made by us: what making it again would give.
        is_own INTEGER NOT NULL DEFAULT 0,
        -- When its bytes were last used, milliseconds since 1970; NULL when they are not kept.
        cached_at INTEGER
      ) WITHOUT ROWID;
      CREATE INDEX layer_forms_by_diff_id ON layer_forms (diff_id);
      -- Repositories that have a blob or manifest, and when that was last seen.
      CREATE TABLE blob_sources (
        digest TEXT NOT NULL,
        repository TEXT NOT NULL,
        seen_at INTEGER NOT NULL,
        PRIMARY KEY (digest, repository)
      ) WITHOUT ROWID;
    `,
  },
  {
    name: "images/3",
    // The image that it was committed over, here or not.
    sql: "ALTER TABLE images ADD COLUMN parent TEXT;",
  },
];
