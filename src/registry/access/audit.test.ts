import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditLog, type AuditRecord } from "./audit.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tug-audit-"));
  path = join(folder, "audit.log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function record(number: number): AuditRecord {
  const time = new Date(number).toISOString();
  return { time, user: "alice", address: "192.0.2.1", action: "pull", method: "GET", path: "/v2/a", status: 200 };
}

function open(limitBytes = 1_000_000, keep = 2, reported: unknown[] = []) {
  return AuditLog.open({ path, limitBytes, keep, report: (error) => void reported.push(error) });
}

function times(file: string): number[] {
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => new Date((JSON.parse(line) as AuditRecord).time).getTime());
}

test("AuditLog writes lines in their order, and adds to what is there", async () => {
  for (const start of [0, 500]) {
    await using log = await open();
    for (let i = start; i < start + 500; i++) log.add(record(i));
  }
  expect(times(path)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("AuditLog begins a new file when one is full, and keeps as many as it is told", async () => {
  const lineBytes = JSON.stringify(record(0)).length + 1;
  {
    await using log = await open(lineBytes * 2);
    for (let i = 0; i < 9; i++) log.add(record(i));
  }
  expect([times(path), times(`${path}.1`), times(`${path}.2`)]).toEqual([[8], [6, 7], [4, 5]]);
  expect(existsSync(`${path}.3`)).toBe(false);
});

test("AuditLog keeps nothing of a full file when it is told so", async () => {
  {
    await using log = await open(1, 0);
    for (let i = 0; i < 3; i++) log.add(record(i));
  }
  expect(times(path)).toEqual([2]);
  expect(existsSync(`${path}.1`)).toBe(false);
});

test("AuditLog writes to a new file when somebody has moved the old one", async () => {
  {
    await using log = await open();
    log.add(record(1));
    while (!existsSync(path) || statSync(path).size === 0) await Bun.sleep(1);
    renameSync(path, `${path}.moved`);
    log.reopen();
    log.add(record(2));
  }
  expect([times(`${path}.moved`), times(path)]).toEqual([[1], [2]]);
});

test("AuditLog tells of lines that it could not write, once it can again", async () => {
  const reported: unknown[] = [];
  await using log = await open(1_000_000, 2, reported);
  rmSync(folder, { recursive: true });
  log.reopen();
  log.add(record(1));
  while (reported.length === 0) await Bun.sleep(1);
  mkdirSync(folder);
  log.add(record(2));
  while (!existsSync(path) || !readFileSync(path, "utf8").includes("lost")) await Bun.sleep(1);
  expect(readFileSync(path, "utf8")).toBe(`${JSON.stringify(record(2))}\n{"lost":1}\n`);
});

test("AuditLog.open() refuses a file that cannot be written", async () => {
  path = join(folder, "none", "audit.log");
  await expect(open()).rejects.toThrow("ENOENT");
});
