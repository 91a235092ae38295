import { type Digest, parseDigest } from "#api/oci";
import type { Database, Migration } from "#lib/db";

export const PROXY_MIGRATIONS: readonly Migration[] = [
  {
    name: "registry-proxy/1",
    sql: `
      -- When a tag was last compared with the registry behind us.
      CREATE TABLE proxy_tags (
        repository TEXT NOT NULL,
        tag TEXT NOT NULL,
        checked_at INTEGER NOT NULL,
        PRIMARY KEY (repository, tag)
      ) WITHOUT ROWID;
      CREATE TABLE proxy_manifests (
        repository TEXT NOT NULL,
        digest TEXT NOT NULL,
        size INTEGER NOT NULL,
        used_at INTEGER NOT NULL,
        PRIMARY KEY (repository, digest)
      ) WITHOUT ROWID;
      CREATE INDEX proxy_manifests_by_use ON proxy_manifests (used_at);
      -- What manifests refer to, with the sizes that registries do not tell otherwise.
      CREATE TABLE proxy_blobs (
        repository TEXT NOT NULL,
        manifest TEXT NOT NULL,
        digest TEXT NOT NULL,
        size INTEGER NOT NULL,
        PRIMARY KEY (repository, manifest, digest)
      ) WITHOUT ROWID;
      CREATE INDEX proxy_blobs_by_digest ON proxy_blobs (digest);`,
  },
];

/** A use is written down when the last one was so long ago; the order of eviction need not be finer. */
const USE_STEP_MS = 60_000;

export interface CachedManifest {
  readonly repository: string;
  readonly digest: Digest;
}

/**
 * What a pull-through cache remembers beside the content: when tags were checked, when manifests were used, how large their blobs are.
 * Losing the last of it in a power cut costs a question to the registry behind us, so nothing waits for the disk. Times are
 * milliseconds since 1970.
 */
export class CacheRecords {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  checkedAt(repository: string, tag: string): number | undefined {
    const sql = "SELECT checked_at AS at FROM proxy_tags WHERE repository = ? AND tag = ?";
    return this.#database.get<{ at: number }>(sql, repository, tag)?.at;
  }

  checked(repository: string, tag: string, nowMs: number): void {
    this.#database.runSoon("INSERT OR REPLACE INTO proxy_tags VALUES (?, ?, ?)", repository, tag, nowMs);
  }

  /** A manifest that was stored, and the blobs that it refers to. */
  added(
    { repository, digest }: CachedManifest,
    content: { readonly size: number; readonly blobs: readonly { digest: Digest; size: number }[] },
    nowMs: number,
  ): void {
    const database = this.#database;
    database.transactionSoon(() => {
      const manifest = "INSERT OR REPLACE INTO proxy_manifests VALUES (?, ?, ?, ?)";
      database.runSoon(manifest, repository, digest, content.size, nowMs);
      for (const blob of content.blobs) {
        const reference = "INSERT OR REPLACE INTO proxy_blobs VALUES (?, ?, ?, ?)";
        database.runSoon(reference, repository, digest, blob.digest, blob.size);
      }
    });
  }

  used({ repository, digest }: CachedManifest, nowMs: number): void {
    const sql = "SELECT used_at AS at FROM proxy_manifests WHERE repository = ? AND digest = ?";
    const at = this.#database.get<{ at: number }>(sql, repository, digest)?.at;
    if (at === undefined || nowMs - at < USE_STEP_MS) return;
    const update = "UPDATE proxy_manifests SET used_at = ? WHERE repository = ? AND digest = ?";
    this.#database.runSoon(update, nowMs, repository, digest);
  }

  /** How large a blob is, as a manifest of the repository says. */
  blobSize(repository: string, digest: Digest): number | undefined {
    const sql = "SELECT size FROM proxy_blobs WHERE digest = ? AND repository = ? LIMIT 1";
    return this.#database.get<{ size: number }>(sql, digest, repository)?.size;
  }

  /** All manifests, and every blob that one of them refers to, once. */
  totalBytes(): number {
    const sql = `SELECT (SELECT COALESCE(SUM(size), 0) FROM proxy_manifests)
      + (SELECT COALESCE(SUM(size), 0) FROM (SELECT digest, MAX(size) AS size FROM proxy_blobs GROUP BY digest)) AS total`;
    return this.#database.get<{ total: number }>(sql)?.total ?? 0;
  }

  /** The one that nobody has used for longest. */
  leastUsed(): CachedManifest | undefined {
    const sql = "SELECT repository, digest FROM proxy_manifests ORDER BY used_at LIMIT 1";
    const row = this.#database.get<{ repository: string; digest: string }>(sql);
    return row && { repository: row.repository, digest: parseDigest(row.digest) };
  }

  removed({ repository, digest }: CachedManifest): void {
    const database = this.#database;
    database.transactionSoon(() => {
      database.runSoon("DELETE FROM proxy_manifests WHERE repository = ? AND digest = ?", repository, digest);
      database.runSoon("DELETE FROM proxy_blobs WHERE repository = ? AND manifest = ?", repository, digest);
    });
  }
}
