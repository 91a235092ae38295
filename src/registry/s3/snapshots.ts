import { open, rm } from "node:fs/promises";
import type { Database } from "#lib/db";
import type { Bucket } from "./bucket.ts";
import { positionOf, sequenceName } from "./journal.ts";

/** The journal may grow to the size of what it would replace, and to this: each byte is then written at most three times. */
const DUE_BYTES = 4 * 1024 * 1024;

/**
 * The whole database now and then, as `snapshots/SEQ`: everything up to and including change SEQ. What the journal has up to there,
 * and older snapshots, are removed afterwards, so that opening a bucket takes time for what is in it, not for its history.
 */
export class Snapshots {
  readonly #bucket: Bucket;
  /** Of the database; a copy is made beside it. */
  readonly #path: string;
  #journalBytes = 0;
  #snapshotBytes = 0;

  constructor(bucket: Bucket, path: string) {
    this.#bucket = bucket;
    this.#path = path;
  }

  /** Puts the newest snapshot in the database's place; false when there is none. */
  async restore(): Promise<boolean> {
    const newest = (await Array.fromAsync(this.#bucket.list("snapshots/"))).at(-1);
    if (newest === undefined) return false;
    await using file = await open(this.#path, "w", 0o600);
    for await (const chunk of this.#bucket.stream(newest.key)) await file.writeFile(chunk);
    this.#snapshotBytes = newest.size;
    return true;
  }

  /** Counts what the journal has grown by; true when a snapshot would be worth its while. */
  grew(bytes: number): boolean {
    this.#journalBytes += bytes;
    return this.#journalBytes >= Math.max(DUE_BYTES, this.#snapshotBytes);
  }

  async take(database: Database): Promise<void> {
    this.#journalBytes = 0;
    const copy = `${this.#path}.snapshot`;
    await rm(copy, { force: true });
    // Both in one turn of the event loop: the copy ends with this very change.
    const seq = positionOf(database);
    database.run("VACUUM INTO ?", copy);
    try {
      const file = Bun.file(copy);
      this.#snapshotBytes = file.size;
      await this.#bucket.write(snapshotKey(seq), file);
    } finally {
      await rm(copy, { force: true });
    }
    await this.#removeOlder(seq);
  }

  /** A journal object is not needed when the one after it begins at the snapshot's end or before. */
  async #removeOlder(seq: number): Promise<void> {
    for await (const { key } of this.#bucket.list("snapshots/"))
      if (key < snapshotKey(seq)) await this.#bucket.remove(key);
    const keys = (await Array.fromAsync(this.#bucket.list("journal/"))).map(({ key }) => key);
    for (const [at, key] of keys.entries()) {
      const next = keys[at + 1];
      if (next === undefined || next > `journal/${sequenceName(seq + 1)}`) return;
      await this.#bucket.remove(key);
    }
  }
}

function snapshotKey(seq: number): string {
  return `snapshots/${sequenceName(seq)}`;
}
