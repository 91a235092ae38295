import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "./database.ts";

const first = { name: "things/1", sql: "CREATE TABLE things (id TEXT PRIMARY KEY, size INTEGER)" };
const second = { name: "things/2", sql: "ALTER TABLE things ADD COLUMN label TEXT" };

test("openDatabase() applies each migration once and keeps the rows", () => {
  const path = join(mkdtempSync(join(tmpdir(), "tug-db-")), "tug.db");
  {
    using database = openDatabase(path, [first]);
    database.run("INSERT INTO things VALUES (?, ?)", "a", 1);
  }
  using database = openDatabase(path, [first, second]);
  expect(database.get("SELECT * FROM things")).toEqual({ id: "a", size: 1, label: null });
  rmSync(path, { force: true });
});

test("durable() resolves for those who wait together, and again for those who come later", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "tug-db-")), "tug.db");
  using database = openDatabase(path, [first]);
  database.runSoon("INSERT INTO things VALUES (?, ?)", "a", 1);
  const [one, two] = [database.durable(), database.durable()];
  expect(one).toBe(two);
  await one;
  const later = database.durable();
  expect(later).not.toBe(one);
  await later;
  expect(database.all("SELECT id FROM things")).toEqual([{ id: "a" }]);
  rmSync(path, { force: true });
});

test("openDatabase() refuses a file that a newer engine wrote", () => {
  const path = join(mkdtempSync(join(tmpdir(), "tug-db-")), "tug.db");
  openDatabase(path, [first, second])[Symbol.dispose]();
  expect(() => openDatabase(path, [first])).toThrow('written by a newer tug (it has "things/2")');
});

test("transaction() undoes everything when its body throws", () => {
  using database = openDatabase(":memory:", [first]);
  expect(() =>
    database.transaction(() => {
      database.run("INSERT INTO things VALUES (?, ?)", "a", 1);
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(database.all("SELECT * FROM things")).toEqual([]);
});
