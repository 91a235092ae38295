import { type Digest, parseDigest } from "#api/oci";
import type { Database } from "#lib/db";
import type { Clock } from "#lib/time";
import { applyChange, type Change, repositoryId } from "./changes.ts";
import { HotManifests } from "./hot-manifests.ts";
import type {
  LinkedBlob,
  ManifestStore,
  NewManifest,
  Page,
  Referrer,
  StoredManifest,
  Totals,
} from "./manifest-store.ts";

/** Where changes are written down besides the database, for storage that outlives this machine. */
export interface Journal {
  /** Called in the transaction of the change. */
  record(change: Change): void;
  /** Resolves when every change recorded before is safe. @throws `unavailable` */
  flushed(): Promise<void>;
}

/** Metadata in a database that was opened with `REGISTRY_MIGRATIONS`. */
export function createManifestStore(options: { database: Database; clock: Clock; journal?: Journal }): ManifestStore {
  return new SqliteManifestStore(options.database, options.clock, options.journal);
}

class SqliteManifestStore implements ManifestStore {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #journal: Journal | undefined;
  readonly #hot = new HotManifests();

  constructor(database: Database, clock: Clock, journal: Journal | undefined) {
    this.#database = database;
    this.#clock = clock;
    this.#journal = journal;
  }

  durable(): Promise<void> {
    return this.#journal?.flushed() ?? this.#database.durable();
  }

  repositories({ limit, last = "" }: Page): string[] {
    const rows = this.#database.all<{ name: string }>(
      `SELECT name FROM repositories WHERE name > ? AND EXISTS (SELECT 1 FROM manifests WHERE repository = id)
       ORDER BY name LIMIT ?`,
      last,
      limit,
    );
    return rows.map(({ name }) => name);
  }

  hasRepository(repository: string): boolean {
    return repositoryId(this.#database, repository) !== undefined;
  }

  totals(): Totals {
    const sql = `
      SELECT
        (SELECT COUNT(*) FROM repositories) AS repositories,
        (SELECT COUNT(*) FROM manifests) AS manifests,
        (SELECT COUNT(*) FROM tags) AS tags,
        (SELECT COUNT(*) FROM uploads) AS uploads,
        COUNT(*) AS blobs,
        COALESCE(SUM(size), 0) + (SELECT COALESCE(SUM(size), 0) FROM manifests) AS bytes
      FROM (SELECT digest, MAX(size) AS size FROM repository_blobs GROUP BY digest)`;
    return this.#database.get<Totals>(sql)!;
  }

  usedBytes(repository: string): number {
    const row = this.#database.get<{ bytes: number }>("SELECT bytes FROM repositories WHERE name = ?", repository);
    return row?.bytes ?? 0;
  }

  findManifest(repository: string, digest: Digest): StoredManifest | undefined {
    return this.#hot.manifest(repository, digest, () => {
      const row = this.#database.get<{ media_type: string; bytes: Uint8Array }>(
        `SELECT media_type, manifests.bytes FROM manifests JOIN repositories ON id = repository
         WHERE name = ? AND digest = ?`,
        repository,
        digest,
      );
      return row && { digest, mediaType: row.media_type, bytes: row.bytes };
    });
  }

  findTag(repository: string, tag: string): Digest | undefined {
    return this.#hot.tag(repository, tag, () => {
      const row = this.#database.get<{ digest: string }>(
        "SELECT digest FROM tags JOIN repositories ON id = repository WHERE repositories.name = ? AND tags.name = ?",
        repository,
        tag,
      );
      return row && parseDigest(row.digest);
    });
  }

  tags(repository: string, { limit, last = "" }: Page): string[] {
    const rows = this.#database.all<{ name: string }>(
      `SELECT tags.name FROM tags JOIN repositories ON id = repository
       WHERE repositories.name = ? AND tags.name > ? ORDER BY tags.name LIMIT ?`,
      repository,
      last,
      limit,
    );
    return rows.map(({ name }) => name);
  }

  tagsOf(repository: string, digest: Digest): string[] {
    const rows = this.#database.all<{ name: string }>(
      "SELECT tags.name FROM tags JOIN repositories ON id = repository WHERE repositories.name = ? AND digest = ?",
      repository,
      digest,
    );
    return rows.map(({ name }) => name);
  }

  referrers(
    repository: string,
    subject: Digest,
    { limit, last = "", artifactType }: Page & { artifactType?: string },
  ): Referrer[] {
    const rows = this.#database.all<ReferrerRow>(
      `SELECT digest, media_type, artifact_type, annotations, size FROM manifests JOIN repositories ON id = repository
       WHERE name = ? AND subject = ? AND digest > ? AND (?4 IS NULL OR artifact_type = ?4) ORDER BY digest LIMIT ?5`,
      repository,
      subject,
      last,
      artifactType ?? null,
      limit,
    );
    return rows.map(referrerOf);
  }

  findBlob(repository: string, digest: Digest): LinkedBlob | undefined {
    const row = this.#database.get<{ size: number; uses: number }>(
      "SELECT size, uses FROM repository_blobs JOIN repositories ON id = repository WHERE name = ? AND digest = ?",
      repository,
      digest,
    );
    return row && { size: row.size, isUsed: row.uses > 0 };
  }

  repositoriesWith(digest: Digest, limit: number): string[] {
    const rows = this.#database.all<{ name: string }>(
      "SELECT name FROM repository_blobs JOIN repositories ON id = repository WHERE digest = ? LIMIT ?",
      digest,
      limit,
    );
    return rows.map(({ name }) => name);
  }

  hasUpload(repository: string, id: string): boolean {
    const sql =
      "SELECT 1 FROM uploads JOIN repositories ON repositories.id = repository WHERE uploads.id = ? AND name = ?";
    return this.#database.get(sql, id, repository) !== undefined;
  }

  putManifest(repository: string, manifest: NewManifest, tag?: string): void {
    const change = { kind: "put-manifest", repository, manifest, atMs: this.#nowMs() } as const;
    this.#change(tag === undefined ? change : { ...change, tag });
    this.#hot.forget(repository);
  }

  removeManifest(repository: string, digest: Digest): boolean {
    this.#hot.forget(repository);
    return this.#change({ kind: "remove-manifest", repository, digest, atMs: this.#nowMs() });
  }

  removeTag(repository: string, tag: string): boolean {
    this.#hot.forget(repository);
    return this.#change({ kind: "remove-tag", repository, tag, atMs: this.#nowMs() });
  }

  linkBlob(repository: string, digest: Digest, size: number): void {
    this.#change({ kind: "link-blob", repository, digest, size, atMs: this.#nowMs() });
  }

  unlinkBlob(repository: string, digest: Digest): boolean {
    return this.#change({ kind: "unlink-blob", repository, digest });
  }

  startUpload(repository: string, id: string): void {
    this.#change({ kind: "start-upload", repository, id, atMs: this.#nowMs() });
  }

  touchUpload(id: string): void {
    this.#change({ kind: "touch-upload", id, atMs: this.#nowMs() });
  }

  endUpload(id: string): void {
    this.#change({ kind: "end-upload", id });
  }

  uploadsIdleSince(timeMs: number): string[] {
    const rows = this.#database.all<{ id: string }>("SELECT id FROM uploads WHERE touched_at <= ?", timeMs);
    return rows.map(({ id }) => id);
  }

  blobsIdleSince(timeMs: number, limit: number): { repository: string; digest: Digest }[] {
    const rows = this.#database.all<{ name: string; digest: string }>(
      `SELECT name, digest FROM repository_blobs JOIN repositories ON id = repository
       WHERE idle_since <= ? ORDER BY idle_since LIMIT ?`,
      timeMs,
      limit,
    );
    return rows.map(({ name, digest }) => ({ repository: name, digest: parseDigest(digest) }));
  }

  manifestsIdleSince(repository: string, timeMs: number, limit: number): Digest[] {
    const rows = this.#database.all<{ digest: string }>(
      `SELECT digest FROM manifests JOIN repositories ON id = repository
       WHERE name = ? AND idle_since <= ? ORDER BY idle_since LIMIT ?`,
      repository,
      timeMs,
      limit,
    );
    return rows.map(({ digest }) => parseDigest(digest));
  }

  unlinkedBlobs(limit: number): Digest[] {
    const rows = this.#database.all<{ digest: string }>("SELECT digest FROM blobs WHERE links = 0 LIMIT ?", limit);
    return rows.map(({ digest }) => parseDigest(digest));
  }

  forgetBlob(digest: Digest): boolean {
    return this.#change({ kind: "forget-blob", digest });
  }

  knowsBlob(digest: Digest): boolean {
    return this.#database.get("SELECT 1 FROM blobs WHERE digest = ?", digest) !== undefined;
  }

  knowsUpload(id: string): boolean {
    return this.#database.get("SELECT 1 FROM uploads WHERE id = ?", id) !== undefined;
  }

  tagHistory(repository: string): { tag: string; digest: Digest; setMs: number }[] {
    const rows = this.#database.all<{ tag: string; digest: string; set_at: number }>(
      `SELECT tags.name AS tag, digest, set_at FROM tags JOIN repositories ON id = repository
       WHERE repositories.name = ? ORDER BY set_at DESC, tags.name DESC`,
      repository,
    );
    return rows.map(({ tag, digest, set_at }) => ({ tag, digest: parseDigest(digest), setMs: set_at }));
  }

  isManifestUsed(repository: string, digest: Digest): boolean {
    const row = this.#database.get<{ uses: number }>(
      "SELECT uses FROM manifests JOIN repositories ON id = repository WHERE name = ? AND digest = ?",
      repository,
      digest,
    );
    return row !== undefined && row.uses > 0;
  }

  forgetEmptyRepositories(): void {
    this.#change({ kind: "forget-empty-repositories" });
  }

  #change(change: Change): boolean {
    return this.#database.transactionSoon(() => {
      const found = applyChange(this.#database, change);
      if (found) this.#journal?.record(change);
      return found;
    });
  }

  #nowMs(): number {
    return Number(this.#clock.nowNano() / 1_000_000n);
  }
}

interface ReferrerRow {
  readonly digest: string;
  readonly media_type: string;
  readonly artifact_type: string | null;
  readonly annotations: string | null;
  readonly size: number;
}

function referrerOf(row: ReferrerRow): Referrer {
  return {
    mediaType: row.media_type,
    digest: parseDigest(row.digest),
    size: row.size,
    ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
    ...(row.annotations === null ? {} : { annotations: JSON.parse(row.annotations) }),
  };
}
