import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { byteString } from "#lib/fs";
import type { TarEntry } from "./entry.ts";
import { OutlineWriter, scanOutline } from "./outline.ts";
import { scanTarFile, TarScanner } from "./scan.ts";
import { type TarHeader, tarArchive } from "./write.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tug-outline-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** More headers than one frame holds, with extension headers among them. */
const MEMBERS = Array.from({ length: 3000 }, (_, index): TarHeader & { content: string } => ({
  type: "file",
  name: byteString(`${"folder/".repeat(index % 40)}file-${index}`),
  mode: 0o644,
  modified: { seconds: index, nanoseconds: index % 3 },
  content: "x".repeat(index),
}));

async function outlineOf(archive: Uint8Array, pieceBytes: number): Promise<string> {
  const path = join(folder, `outline-${pieceBytes}`);
  const fd = openSync(path, "w");
  const writer = new OutlineWriter(fd);
  const scanner = new TarScanner(
    () => {},
    (header) => writer.add(header),
  );
  for (let at = 0; at < archive.byteLength; at += pieceBytes) scanner.push(archive.subarray(at, at + pieceBytes));
  scanner.end();
  writer.flush();
  closeSync(fd);
  return path;
}

async function entriesOf(scan: (visit: (entry: TarEntry) => void) => Promise<unknown>): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  await scan((entry) => entries.push(entry));
  return entries;
}

describe("scanOutline()", () => {
  test.each([
    ["an archive", tarArchive(MEMBERS)],
    ["one without its end mark", tarArchive(MEMBERS).subarray(0, -1024)],
    ["one without its last padding", tarArchive(MEMBERS.slice(0, 100)).subarray(0, -1024 - 400)],
    ["an empty one", tarArchive([])],
    ["nothing at all", new Uint8Array(0)],
  ])("finds what is in %s", async (_, archive) => {
    const path = join(folder, "archive");
    await writeFile(path, archive);
    const expected = await entriesOf((visit) => scanTarFile(path, visit));
    for (const pieceBytes of [1000, 1 << 20]) {
      const outline = await outlineOf(archive, pieceBytes);
      expect(await entriesOf((visit) => scanOutline(outline, archive.byteLength, visit))).toEqual(expected);
    }
  });

  test("visits nothing where there is none", async () => {
    expect(await scanOutline(join(folder, "absent"), 0, () => expect.unreachable())).toBe(false);
  });

  test("refuses that of a longer archive, and one that is cut off", async () => {
    const archive = tarArchive(MEMBERS);
    const outline = await outlineOf(archive, 1 << 20);
    await expect(scanOutline(outline, archive.byteLength / 2, () => {})).rejects.toThrow("unexpected end");
    await truncate(outline, 2000);
    await expect(scanOutline(outline, archive.byteLength, () => {})).rejects.toThrow("outline of a tar is cut off");
  });
});
