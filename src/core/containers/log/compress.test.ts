import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { compressRotated } from "./compress.ts";
import { identityOf } from "./files.ts";
import { readLog } from "./follow.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tug-compress-"));
  path = join(folder, "id-json.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

const never = new AbortController().signal;
const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join("");

async function all(pieces: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece.toString();
  return text;
}

/** As the monitor's `rotate` does it. */
async function rotate(keep: number): Promise<void> {
  for (const form of ["", ".gz"]) rmSync(`${path}.${keep - 1}${form}`, { force: true });
  for (let number = keep - 2; number >= 0; number--) {
    const from = number === 0 ? path : `${path}.${number}`;
    const ready = `${path}.${await identityOf(from)}.gz`;
    if (number > 0 && existsSync(ready)) {
      renameSync(ready, `${from}.gz`);
      rmSync(from);
    }
    for (const form of ["", ".gz"]) {
      if (existsSync(from + form)) renameSync(from + form, `${path}.${number + 1}${form}`);
    }
  }
  writeFileSync(path, "");
}

test("what is compressed takes the file's place with the next rotation, and is a gzip file to everybody", async () => {
  writeFileSync(path, lines(0, 1000));
  await rotate(4);
  await compressRotated(path, never);
  expect(existsSync(`${path}.1`)).toBe(true);
  await rotate(4);
  expect(readdirSync(folder).sort()).toEqual(["id-json.log", "id-json.log.1", "id-json.log.2.gz"]);
  expect(gunzipSync(readFileSync(`${path}.2.gz`)).toString()).toBe(lines(0, 1000));
});

test("readLog() reads compressed files as if they were not", async () => {
  for (const round of [0, 1, 2, 3]) {
    writeFileSync(path, lines(round * 100, round * 100 + 100));
    if (round === 3) break;
    await rotate(5);
    await compressRotated(path, never);
  }
  expect(readdirSync(folder).filter((name) => name.endsWith(".gz")).length).toBe(3);
  expect(await all(readLog(path, { tail: -1 }))).toBe(lines(0, 400));
  for (const tail of [1, 100, 101, 250, 300, 301, 399]) {
    expect(await all(readLog(path, { tail }))).toBe(lines(400 - tail, 400));
  }
  expect(readdirSync(folder).some((name) => name.includes("inflated"))).toBe(false);
});

test("a follower loses and repeats nothing when files are compressed before it has read them", async () => {
  writeFileSync(path, lines(0, 10));
  const end = Promise.withResolvers<void>();
  const following = readLog(path, { tail: -1, until: end.promise });
  let text = (await following.next()).value?.toString() ?? "";
  for (let round = 1; round < 6; round++) {
    await rotate(9);
    await compressRotated(path, never);
    writeFileSync(path, lines(round * 10, round * 10 + 10));
  }
  end.resolve();
  text += await all(following);
  expect(text).toBe(lines(0, 60));
});

test("compressing again does nothing, and what was compressed of a file that is gone goes", async () => {
  writeFileSync(path, lines(0, 100));
  await rotate(3);
  await compressRotated(path, never);
  const ready = join(folder, readdirSync(folder).find((name) => name.endsWith(".gz")) ?? "");
  const before = statSync(ready).mtimeMs;
  await compressRotated(path, never);
  expect(statSync(ready).mtimeMs).toBe(before);
  rmSync(`${path}.1`);
  await compressRotated(path, never);
  expect(readdirSync(folder)).toEqual(["id-json.log"]);
});

test("a file and its compressed form, as a crash may leave them, are read once", async () => {
  writeFileSync(path, lines(0, 10));
  await rotate(3);
  await compressRotated(path, never);
  renameSync(`${path}.${await identityOf(`${path}.1`)}.gz`, `${path}.1.gz`);
  writeFileSync(path, lines(10, 20));
  expect(await all(readLog(path, { tail: -1 }))).toBe(lines(0, 20));
});
