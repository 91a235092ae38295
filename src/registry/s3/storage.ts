import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Background } from "#lib/async";
import { type Database, openDatabase } from "#lib/db";
import { messageOf } from "#lib/errors";
import type { Logger } from "#lib/log";
import type { Clock } from "#lib/time";
import { REGISTRY_MIGRATIONS } from "../metadata/schema.ts";
import { createManifestStore } from "../metadata/sqlite-store.ts";
import type { RegistryStorage } from "../storage.ts";
import { S3BlobStore } from "./blob-store.ts";
import { Bucket, type BucketOptions } from "./bucket.ts";
import { BucketJournal, JOURNAL_MIGRATIONS, replayJournal } from "./journal.ts";
import { Snapshots } from "./snapshots.ts";

/**
 * Storage in a bucket alone. Metadata is a SQLite database from which every request is answered, and whose changes are in the bucket
 * before they are acknowledged (`BucketJournal`, `Snapshots`). The database in `cacheFolder` is made anew from there each time, so
 * any machine can take over. One registry at a time writes to a bucket or prefix: the one that opened it last.
 *
 * @throws `unavailable` when the bucket cannot be reached, `failed-precondition` when what is in it is damaged
 */
export async function openS3Storage(options: {
  readonly bucket: BucketOptions;
  /** For this process alone. */
  readonly cacheFolder: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Unguessable; names who writes. */
  readonly newId: () => string;
}): Promise<RegistryStorage> {
  const bucket = new Bucket(options.bucket);
  await mkdir(options.cacheFolder, { recursive: true, mode: 0o700 });
  const path = join(options.cacheFolder, "registry.db");
  const writer = options.newId();
  // From here on, nobody else acknowledges anything.
  await bucket.write("writer", writer);
  const snapshots = new Snapshots(bucket, path);
  const database = await restore(bucket, { path, snapshots });
  const background = new Background((name, error) => options.log.warn(name, { error: messageOf(error) }));
  const journal = new BucketJournal({
    bucket,
    database,
    writer,
    onGrowth(bytes) {
      if (snapshots.grew(bytes)) background.run("registry: write snapshot", snapshots.take(database));
    },
  });
  return {
    blobs: new S3BlobStore(bucket),
    manifests: createManifestStore({ database, clock: options.clock, journal }),
    async [Symbol.asyncDispose]() {
      try {
        await journal.flushed();
      } finally {
        await background.join();
        database[Symbol.dispose]();
      }
    },
  };
}

async function restore(
  bucket: Bucket,
  at: { readonly path: string; readonly snapshots: Snapshots },
): Promise<Database> {
  for (const suffix of ["", "-wal", "-shm"]) await rm(at.path + suffix, { force: true });
  await at.snapshots.restore();
  const database = openDatabase(at.path, [...REGISTRY_MIGRATIONS, ...JOURNAL_MIGRATIONS], { survives: "crash" });
  // What waited when the snapshot was taken is part of it.
  database.runSoon("DELETE FROM outbox");
  await replayJournal(bucket, database);
  return database;
}
