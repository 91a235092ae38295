import type { Database, Migration } from "#lib/db";
import { EngineError } from "#lib/errors";
import { applyChange, type Change } from "../metadata/changes.ts";
import type { Journal } from "../metadata/sqlite-store.ts";
import type { Bucket } from "./bucket.ts";

/** How much of the journal one object holds at most, unless one change alone is larger. */
const OBJECT_BYTES = 8 * 1024 * 1024;
const SEQUENCE_DIGITS = 16;

export const JOURNAL_MIGRATIONS: readonly Migration[] = [
  {
    name: "registry-journal/1",
    sql: `
      CREATE TABLE outbox (seq INTEGER PRIMARY KEY, change TEXT NOT NULL);
      CREATE TABLE journal_state (seq INTEGER NOT NULL);
      INSERT INTO journal_state VALUES (0);`,
  },
];

interface JournalOptions {
  readonly bucket: Bucket;
  readonly database: Database;
  /** The ID of this writer, which is in the bucket already. */
  readonly writer: string;
  /** Told how many bytes an object has that was written. */
  onGrowth(bytes: number): void;
}

/**
 * Changes on their way from the database to the bucket. A change is put into the `outbox` by the transaction that makes it; flushing
 * writes what is there as one object, and only then takes it out. So each object holds whole transactions in order, and those who
 * wait at the same time wait for one request.
 *
 *     journal/FIRST     lines: {"writer": ID}, then {"seq": N, "change": {…}} for N from FIRST on
 *     writer            the ID of who writes now: whoever opens the bucket puts his own there
 *
 * Objects are created, never replaced. Who finds the name of his next one taken by another, or another's ID in `writer`, has lost the
 * bucket and acknowledges nothing any more.
 */
export class BucketJournal implements Journal {
  readonly #bucket: Bucket;
  readonly #database: Database;
  readonly #writer: string;
  readonly #onGrowth: (bytes: number) => void;
  #flushing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor({ bucket, database, writer, onGrowth }: JournalOptions) {
    this.#bucket = bucket;
    this.#database = database;
    this.#writer = writer;
    this.#onGrowth = onGrowth;
  }

  record(change: Change): void {
    const row = this.#database.get<{ seq: number }>("UPDATE journal_state SET seq = seq + 1 RETURNING seq");
    this.#database.runSoon("INSERT INTO outbox VALUES (?, ?)", row?.seq ?? 0, encodeChange(change));
  }

  flushed(): Promise<void> {
    this.#next ??= this.#flushing
      .catch(() => undefined) // those who waited for it were told
      .then(() => {
        this.#next = undefined;
        this.#flushing = this.#flush();
        return this.#flushing;
      });
    return this.#next;
  }

  /** Also with nothing to write: what is removed afterwards may be another's by now. */
  async #flush(): Promise<void> {
    // Asked first: an object of one who has lost the bucket would be in the way of who has it.
    if ((await this.#bucket.find("writer")) !== this.#writer) throw lostBucket();
    for (;;) {
      const batch = this.#batch();
      const [first] = batch;
      const last = batch.at(-1);
      if (first === undefined || last === undefined) return;
      const flushed = (await this.#write(first.seq, batch)) ? last.seq : await this.#writtenBefore(first.seq);
      this.#database.runSoon("DELETE FROM outbox WHERE seq <= ?", flushed);
    }
  }

  #batch(): { seq: number; change: string }[] {
    const rows = this.#database.all<{ seq: number; change: string }>(
      `SELECT seq, change FROM (SELECT seq, change, sum(length(change)) OVER (ORDER BY seq) AS total FROM outbox)
       WHERE total <= ? ORDER BY seq`,
      OBJECT_BYTES,
    );
    return rows.length > 0 ? rows : this.#database.all("SELECT seq, change FROM outbox ORDER BY seq LIMIT 1");
  }

  /** False when there is an object of that name. */
  async #write(first: number, batch: readonly { seq: number; change: string }[]): Promise<boolean> {
    const lines = batch.map(({ seq, change }) => `{"seq":${seq},"change":${change}}`);
    const text = [JSON.stringify({ writer: this.#writer }), ...lines].join("\n");
    const isNew = await this.#bucket.writeNew(journalKey(first), text);
    if (isNew) this.#onGrowth(text.length);
    return isNew;
  }

  /** The answer to an earlier attempt was lost: what it wrote counts. */
  async #writtenBefore(first: number): Promise<number> {
    const { writer, entries } = parseJournal(journalKey(first), await this.#bucket.read(journalKey(first)));
    const last = entries.at(-1);
    if (writer !== this.#writer || last === undefined) throw lostBucket();
    return last.seq;
  }
}

/** Applies what the bucket's journal has beyond the database. */
export async function replayJournal(bucket: Bucket, database: Database): Promise<void> {
  for await (const { key } of bucket.list("journal/")) {
    const { entries } = parseJournal(key, await bucket.read(key));
    database.transactionSoon(() => {
      for (const { seq, change } of entries) {
        // A snapshot may be newer than the first lines of an object, and an object be left of a snapshot's making.
        if (seq <= positionOf(database)) continue;
        if (seq !== positionOf(database) + 1) throw damaged(key, `change ${positionOf(database) + 1} is missing`);
        applyChange(database, change);
        database.runSoon("UPDATE journal_state SET seq = ?", seq);
      }
    });
  }
}

/** The number of the last change that is in the database. */
export function positionOf(database: Database): number {
  return database.get<{ seq: number }>("SELECT seq FROM journal_state")?.seq ?? 0;
}

export function sequenceName(seq: number): string {
  return String(seq).padStart(SEQUENCE_DIGITS, "0");
}

function journalKey(first: number): string {
  return `journal/${sequenceName(first)}`;
}

/** Bytes of a manifest as base64; all else is JSON as it is. */
function encodeChange(change: Change): string {
  if (change.kind !== "put-manifest") return JSON.stringify(change);
  const bytes = Buffer.from(change.manifest.bytes).toString("base64");
  return JSON.stringify({ ...change, manifest: { ...change.manifest, bytes } });
}

function decodeChange(change: Change): Change {
  if (change.kind !== "put-manifest") return change;
  const bytes = Buffer.from(change.manifest.bytes as unknown as string, "base64");
  return { ...change, manifest: { ...change.manifest, bytes } };
}

function parseJournal(
  key: string,
  bytes: Uint8Array,
): { writer: string; entries: { readonly seq: number; readonly change: Change }[] } {
  try {
    const [head = "", ...lines] = new TextDecoder().decode(bytes).split("\n");
    const { writer } = JSON.parse(head) as { writer: string };
    const entries = lines.map((line) => JSON.parse(line) as { seq: number; change: Change });
    return { writer, entries: entries.map(({ seq, change }) => ({ seq, change: decodeChange(change) })) };
  } catch (error) {
    throw damaged(key, "it is not what a registry wrote", error);
  }
}

function damaged(key: string, reason: string, cause?: unknown): EngineError {
  return new EngineError("failed-precondition", `read the registry's journal "${key}": ${reason}`, { cause });
}

function lostBucket(): EngineError {
  return new EngineError(
    "unavailable",
    "store metadata: another registry writes to this bucket: stop one of them and start this one anew",
  );
}
