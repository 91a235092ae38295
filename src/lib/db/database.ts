import { Database as Sqlite, type Statement } from "bun:sqlite";
import { closeSync, fdatasync, fdatasyncSync, openSync } from "node:fs";
import { promisify } from "node:util";
import { EngineError } from "#lib/errors";

export type SqlValue = string | number | bigint | boolean | null | Uint8Array;
export type Row = Record<string, SqlValue>;

/** One step of a module's schema. Applied once, in order, by name; a landed one is never edited. */
export interface Migration {
  /** Unique over the whole engine: `containers/1`. */
  readonly name: string;
  readonly sql: string;
}

const syncToDisk = promisify(fdatasync);

/**
 * A handle on one SQLite file in WAL mode: what a committed transaction wrote survives a power cut. All calls are
 * made from the daemon's main thread, and all but `durable` are synchronous.
 *
 * SQLite itself syncs at checkpoints only, which keeps the file whole whatever happens. What makes a commit last is a sync of
 * the WAL, and that is ours: so those who wait for the disk can wait together, and beside the main thread.
 */
export class Database implements Disposable {
  readonly #sqlite: Sqlite;
  readonly #statements = new Map<string, Statement>();
  /** Descriptor of the WAL; undefined where commits need not survive a power cut. */
  readonly #wal: number | undefined;
  /** The sync under way, and the one that comes after it for those who wrote meanwhile. */
  #syncing: Promise<void> = Promise.resolve();
  #nextSync: Promise<void> | undefined;

  constructor(sqlite: Sqlite, walPath?: string) {
    this.#sqlite = sqlite;
    this.#wal = walPath === undefined ? undefined : openSync(walPath, "r+");
  }

  all<T = Row>(sql: string, ...values: SqlValue[]): T[] {
    return this.#prepare(sql).all(...values) as T[];
  }

  get<T = Row>(sql: string, ...values: SqlValue[]): T | undefined {
    return (this.#prepare(sql).get(...values) as T | null) ?? undefined;
  }

  /** Runs a statement that changes rows; returns how many it changed. */
  run(sql: string, ...values: SqlValue[]): number {
    const changes = this.runSoon(sql, ...values);
    this.#sync();
    return changes;
  }

  /** Like `run`, but a power cut may undo it until a later call of `durable` has resolved. */
  runSoon(sql: string, ...values: SqlValue[]): number {
    return this.#prepare(sql).run(...values).changes;
  }

  /** Resolves when everything committed before the call survives a power cut. */
  durable(): Promise<void> {
    if (this.#wal === undefined) return Promise.resolve();
    const wal = this.#wal;
    this.#nextSync ??= this.#syncing
      .catch(() => undefined) // those who waited for it were told
      .then(() => {
        this.#nextSync = undefined;
        this.#syncing = syncToDisk(wal);
        return this.#syncing;
      });
    return this.#nextSync;
  }

  /** Everything in `body` commits together or, when it throws, not at all. Calls nest as savepoints. */
  transaction<T>(body: () => T): T {
    const result = this.transactionSoon(body);
    this.#sync();
    return result;
  }

  /** Like `transaction`, but a power cut may undo it until a later call of `durable` has resolved. */
  transactionSoon<T>(body: () => T): T {
    return this.#sqlite.transaction(body).immediate();
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.#wal !== undefined) closeSync(this.#wal);
    this.#sqlite.close();
  }

  /** Within a transaction nothing is committed yet. */
  #sync(): void {
    if (this.#wal !== undefined && !this.#sqlite.inTransaction) fdatasyncSync(this.#wal);
  }

  #prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#sqlite.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/**
 * Opens (or creates) the database and brings its schema up to date. What was committed survives a power cut; with
 * `survives: "crash"` only the end of the process or a crash of it, which saves a sync to disk on every commit.
 * `waitMs` is how long a statement waits for another process that holds the file.
 *
 * @throws EngineError `failed-precondition` when a newer engine wrote the file: it holds migrations that are not in `migrations`
 */
export function openDatabase(
  path: string,
  migrations: readonly Migration[],
  options: { survives?: "power-cut" | "crash"; waitMs?: number } = {},
): Database {
  const { survives = "power-cut", waitMs = 5000 } = options;
  const sqlite = new Sqlite(path, { create: true, strict: true });
  sqlite.exec(
    `PRAGMA busy_timeout = ${waitMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON`,
  );
  migrate(sqlite, path, migrations);
  return new Database(sqlite, survives === "power-cut" && path !== ":memory:" ? `${path}-wal` : undefined);
}

function migrate(sqlite: Sqlite, path: string, migrations: readonly Migration[]): void {
  sqlite.exec("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY) WITHOUT ROWID");
  const applied = new Set(
    sqlite
      .query<{ name: string }, []>("SELECT name FROM migrations")
      .all()
      .map((row) => row.name),
  );
  const known = new Set(migrations.map((migration) => migration.name));
  for (const name of applied) {
    if (!known.has(name)) {
      throw new EngineError(
        "failed-precondition",
        `open database "${path}": written by a newer tug (it has "${name}")`,
      );
    }
  }
  sqlite
    .transaction(() => {
      for (const migration of migrations) {
        if (applied.has(migration.name)) continue;
        sqlite.exec(migration.sql);
        sqlite.query("INSERT INTO migrations (name) VALUES (?)").run(migration.name);
      }
    })
    .immediate();
}
