import type { Migration } from "#lib/db";

/**
 * The tables of the registry. `uses` and `links` are the reference counts; `idle_since` is set exactly while `uses` is 0, and indexed, so
 * that the collector looks at garbage only. All times are milliseconds since 1970.
 */
export const REGISTRY_MIGRATIONS: readonly Migration[] = [
  {
    name: "registry/1",
    sql: `
      CREATE TABLE repositories (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        bytes INTEGER NOT NULL DEFAULT 0
      );
      CREATE TABLE blobs (
        digest TEXT PRIMARY KEY,
        links INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX unlinked_blobs ON blobs (digest) WHERE links = 0;
      CREATE TABLE repository_blobs (
        repository INTEGER NOT NULL REFERENCES repositories (id),
        digest TEXT NOT NULL,
        size INTEGER NOT NULL,
        uses INTEGER NOT NULL,
        idle_since INTEGER,
        PRIMARY KEY (repository, digest)
      ) WITHOUT ROWID;
      CREATE INDEX idle_blobs ON repository_blobs (idle_since) WHERE idle_since IS NOT NULL;
      CREATE INDEX blob_repositories ON repository_blobs (digest);
      CREATE TABLE manifests (
        repository INTEGER NOT NULL REFERENCES repositories (id),
        digest TEXT NOT NULL,
        media_type TEXT NOT NULL,
        artifact_type TEXT,
        annotations TEXT,
        subject TEXT,
        size INTEGER NOT NULL,
        uses INTEGER NOT NULL,
        idle_since INTEGER,
        bytes BLOB NOT NULL,
        PRIMARY KEY (repository, digest)
      );
      CREATE INDEX idle_manifests ON manifests (repository, idle_since) WHERE idle_since IS NOT NULL;
      CREATE INDEX referrers ON manifests (repository, subject, digest) WHERE subject IS NOT NULL;
      CREATE TABLE manifest_references (
        repository INTEGER NOT NULL,
        manifest TEXT NOT NULL,
        kind TEXT NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (repository, manifest, kind, digest)
      ) WITHOUT ROWID;
      CREATE INDEX manifest_references_to ON manifest_references (repository, kind, digest);
      CREATE TABLE tags (
        repository INTEGER NOT NULL REFERENCES repositories (id),
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        set_at INTEGER NOT NULL,
        PRIMARY KEY (repository, name)
      ) WITHOUT ROWID;
      CREATE INDEX tags_of ON tags (repository, digest);
      CREATE TABLE uploads (
        id TEXT PRIMARY KEY,
        repository INTEGER NOT NULL REFERENCES repositories (id),
        touched_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX uploads_by_age ON uploads (touched_at);`,
  },
];
