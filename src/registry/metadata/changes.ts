import type { Digest } from "#api/oci";
import type { Database } from "#lib/db";
import type { NewManifest } from "./manifest-store.ts";

/**
 * Everything that can happen to the metadata, as a value: applied to the tables now, and where there is a journal written down and
 * applied again by whoever reads it. So what `applyChange` does depends on the change and the tables alone; `atMs` is its time.
 */
export type Change =
  | {
      readonly kind: "put-manifest";
      readonly repository: string;
      readonly manifest: NewManifest;
      readonly tag?: string;
      readonly atMs: number;
    }
  | { readonly kind: "remove-manifest"; readonly repository: string; readonly digest: Digest; readonly atMs: number }
  | { readonly kind: "remove-tag"; readonly repository: string; readonly tag: string; readonly atMs: number }
  | {
      readonly kind: "link-blob";
      readonly repository: string;
      readonly digest: Digest;
      readonly size: number;
      readonly atMs: number;
    }
  | { readonly kind: "unlink-blob"; readonly repository: string; readonly digest: Digest }
  | { readonly kind: "forget-blob"; readonly digest: Digest }
  | { readonly kind: "start-upload"; readonly repository: string; readonly id: string; readonly atMs: number }
  | { readonly kind: "touch-upload"; readonly id: string; readonly atMs: number }
  | { readonly kind: "end-upload"; readonly id: string }
  | { readonly kind: "forget-empty-repositories" };

type ChangeOf<K extends Change["kind"]> = Extract<Change, { kind: K }>;

/** Inside a transaction of the caller. True when it found something to change. */
export function applyChange(database: Database, change: Change): boolean {
  switch (change.kind) {
    case "put-manifest":
      return putManifest(database, change);
    case "remove-manifest":
      return removeManifest(database, change);
    case "remove-tag":
      return removeTag(database, change);
    case "link-blob":
      return linkBlob(database, change);
    case "unlink-blob":
      return unlinkBlob(database, change);
    case "forget-blob":
      return database.runSoon("DELETE FROM blobs WHERE digest = ? AND links = 0", change.digest) > 0;
    case "start-upload": {
      const repository = makeRepository(database, change.repository);
      return database.runSoon("INSERT INTO uploads VALUES (?, ?, ?)", change.id, repository, change.atMs) > 0;
    }
    case "touch-upload":
      return database.runSoon("UPDATE uploads SET touched_at = ? WHERE id = ?", change.atMs, change.id) > 0;
    case "end-upload":
      return database.runSoon("DELETE FROM uploads WHERE id = ?", change.id) > 0;
    case "forget-empty-repositories":
      return forgetEmptyRepositories(database);
  }
}

export function repositoryId(database: Database, name: string): number | undefined {
  return database.get<{ id: number }>("SELECT id FROM repositories WHERE name = ?", name)?.id;
}

function makeRepository(database: Database, name: string): number {
  database.runSoon("INSERT INTO repositories (name) VALUES (?) ON CONFLICT DO NOTHING", name);
  return repositoryId(database, name) as number;
}

function putManifest(database: Database, change: ChangeOf<"put-manifest">): boolean {
  const repository = makeRepository(database, change.repository);
  const { digest } = change.manifest;
  const isNew =
    database.get("SELECT 1 FROM manifests WHERE repository = ? AND digest = ?", repository, digest) === undefined;
  if (isNew) insertManifest(database, repository, change);
  else
    database.runSoon(
      "UPDATE manifests SET idle_since = ? WHERE repository = ? AND digest = ? AND uses = 0",
      change.atMs,
      repository,
      digest,
    );
  if (change.tag !== undefined) setTag(database, repository, { ...change, tag: change.tag, digest });
  return true;
}

function insertManifest(database: Database, repository: number, change: ChangeOf<"put-manifest">): void {
  const { manifest, atMs } = change;
  const uses = countManifestUses(database, repository, manifest);
  database.runSoon(
    "INSERT INTO manifests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    repository,
    manifest.digest,
    manifest.mediaType,
    manifest.artifactType ?? null,
    manifest.annotations === undefined ? null : JSON.stringify(manifest.annotations),
    manifest.subject ?? null,
    manifest.bytes.byteLength,
    uses,
    uses === 0 ? atMs : null,
    manifest.bytes,
  );
  addBytes(database, repository, manifest.bytes.byteLength);
  for (const digest of new Set(manifest.blobs)) addReference(database, repository, { ...manifest, to: digest }, "blob");
  for (const digest of new Set(manifest.manifests))
    addReference(database, repository, { ...manifest, to: digest }, "manifest");
  database.runSoon(
    "UPDATE manifests SET uses = uses + 1, idle_since = NULL WHERE repository = ? AND subject = ?",
    repository,
    manifest.digest,
  );
}

/** Of a manifest that has no tags yet. */
function countManifestUses(database: Database, repository: number, manifest: NewManifest): number {
  const listed = database.get<{ count: number }>(
    "SELECT count(*) AS count FROM manifest_references WHERE repository = ? AND kind = 'manifest' AND digest = ?",
    repository,
    manifest.digest,
  );
  const { subject } = manifest;
  const isAboutOne =
    subject !== undefined &&
    database.get("SELECT 1 FROM manifests WHERE repository = ? AND digest = ?", repository, subject) !== undefined;
  return (listed?.count ?? 0) + (isAboutOne ? 1 : 0);
}

function addReference(
  database: Database,
  repository: number,
  reference: { digest: Digest; to: Digest },
  kind: "blob" | "manifest",
): void {
  database.runSoon(
    "INSERT INTO manifest_references VALUES (?, ?, ?, ?)",
    repository,
    reference.digest,
    kind,
    reference.to,
  );
  const table = kind === "blob" ? "repository_blobs" : "manifests";
  database.runSoon(
    `UPDATE ${table} SET uses = uses + 1, idle_since = NULL WHERE repository = ? AND digest = ?`,
    repository,
    reference.to,
  );
}

function setTag(
  database: Database,
  repository: number,
  change: { readonly tag: string; readonly digest: Digest; readonly atMs: number },
): void {
  releaseTagged(database, repository, change);
  database.runSoon("INSERT INTO tags VALUES (?, ?, ?, ?)", repository, change.tag, change.digest, change.atMs);
  database.runSoon(
    "UPDATE manifests SET uses = uses + 1, idle_since = NULL WHERE repository = ? AND digest = ?",
    repository,
    change.digest,
  );
}

/** Removes a tag; false when there was none. */
function releaseTagged(
  database: Database,
  repository: number,
  change: { readonly tag: string; readonly atMs: number },
): boolean {
  const tagged = database.get<{ digest: string }>(
    "DELETE FROM tags WHERE repository = ? AND name = ? RETURNING digest",
    repository,
    change.tag,
  );
  if (tagged === undefined) return false;
  database.runSoon(
    `UPDATE manifests SET uses = uses - 1, idle_since = CASE WHEN uses = 1 THEN ? END
     WHERE repository = ? AND digest = ?`,
    change.atMs,
    repository,
    tagged.digest,
  );
  return true;
}

function removeTag(database: Database, change: ChangeOf<"remove-tag">): boolean {
  const repository = repositoryId(database, change.repository);
  return repository !== undefined && releaseTagged(database, repository, change);
}

function removeManifest(database: Database, change: ChangeOf<"remove-manifest">): boolean {
  const { digest, atMs } = change;
  const repository = repositoryId(database, change.repository);
  if (repository === undefined) return false;
  const removed = database.get<{ size: number }>(
    "DELETE FROM manifests WHERE repository = ? AND digest = ? RETURNING size",
    repository,
    digest,
  );
  if (removed === undefined) return false;
  addBytes(database, repository, -removed.size);
  database.runSoon("DELETE FROM tags WHERE repository = ? AND digest = ?", repository, digest);
  for (const [table, kind] of [
    ["repository_blobs", "blob"],
    ["manifests", "manifest"],
  ] as const)
    database.runSoon(
      `UPDATE ${table} SET uses = uses - 1, idle_since = CASE WHEN uses = 1 THEN ? END WHERE repository = ?
       AND digest IN (SELECT digest FROM manifest_references WHERE repository = ? AND manifest = ? AND kind = ?)`,
      atMs,
      repository,
      repository,
      digest,
      kind,
    );
  database.runSoon("DELETE FROM manifest_references WHERE repository = ? AND manifest = ?", repository, digest);
  database.runSoon(
    `UPDATE manifests SET uses = uses - 1, idle_since = CASE WHEN uses = 1 THEN ? END
     WHERE repository = ? AND subject = ?`,
    atMs,
    repository,
    digest,
  );
  return true;
}

function linkBlob(database: Database, change: ChangeOf<"link-blob">): boolean {
  const { digest, size, atMs } = change;
  const repository = makeRepository(database, change.repository);
  const renewed = database.runSoon(
    "UPDATE repository_blobs SET idle_since = CASE WHEN uses = 0 THEN ? END WHERE repository = ? AND digest = ?",
    atMs,
    repository,
    digest,
  );
  if (renewed > 0) return true;
  const counted = database.get<{ uses: number }>(
    "SELECT count(*) AS uses FROM manifest_references WHERE repository = ? AND kind = 'blob' AND digest = ?",
    repository,
    digest,
  );
  const uses = counted?.uses ?? 0;
  const idleSince = uses === 0 ? atMs : null;
  database.runSoon("INSERT INTO repository_blobs VALUES (?, ?, ?, ?, ?)", repository, digest, size, uses, idleSince);
  database.runSoon("INSERT INTO blobs VALUES (?, 1) ON CONFLICT DO UPDATE SET links = links + 1", digest);
  addBytes(database, repository, size);
  return true;
}

function unlinkBlob(database: Database, change: ChangeOf<"unlink-blob">): boolean {
  const repository = repositoryId(database, change.repository);
  if (repository === undefined) return false;
  const removed = database.get<{ size: number }>(
    "DELETE FROM repository_blobs WHERE repository = ? AND digest = ? RETURNING size",
    repository,
    change.digest,
  );
  if (removed === undefined) return false;
  database.runSoon("UPDATE blobs SET links = links - 1 WHERE digest = ?", change.digest);
  addBytes(database, repository, -removed.size);
  return true;
}

function addBytes(database: Database, repository: number, bytes: number): void {
  database.runSoon("UPDATE repositories SET bytes = bytes + ? WHERE id = ?", bytes, repository);
}

function forgetEmptyRepositories(database: Database): boolean {
  return (
    database.runSoon(
      `DELETE FROM repositories WHERE bytes = 0
       AND NOT EXISTS (SELECT 1 FROM manifests WHERE repository = repositories.id)
       AND NOT EXISTS (SELECT 1 FROM repository_blobs WHERE repository = repositories.id)
       AND NOT EXISTS (SELECT 1 FROM uploads WHERE repository = repositories.id)`,
    ) > 0
  );
}
