import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineError } from "#lib/errors";
import {
  buildAtomic,
  byteString,
  byteStringFrom,
  bytesOf,
  DirectorySync,
  fileError,
  isAbsent,
  publish,
  textOf,
  writeAtomic,
} from "./mod.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tug-fs-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a ByteString keeps every byte and sorts by bytes", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(new Uint8Array(bytesOf(byteStringFrom(all)))).toEqual(all);
  expect(textOf(byteString("ünï \u{1f600}"))).toBe("ünï \u{1f600}");
  expect(byteString("\uffee") < byteString("\u{1f600}")).toBe(true);
});

test("byteStringFrom() takes only its part of a larger buffer", () => {
  expect(byteStringFrom(Buffer.from("abcdef").subarray(2, 4))).toBe(byteString("cd"));
});

test("writeAtomic() replaces a file, with its mode", async () => {
  await writeFile(join(folder, "a"), "old");
  await writeAtomic(join(folder, "a"), "new", 0o640);
  expect(await readFile(join(folder, "a"), "utf8")).toBe("new");
  expect((await stat(join(folder, "a"))).mode & 0o777).toBe(0o640);
  expect(await readdir(folder)).toEqual(["a"]);
});

test("buildAtomic() leaves the old file and nothing else when building fails", async () => {
  await writeFile(join(folder, "a"), "old");
  const failing = buildAtomic(join(folder, "a"), async (file) => {
    await file.write("half");
    throw new RangeError("no");
  });
  await expect(failing).rejects.toThrow(RangeError);
  expect(await readFile(join(folder, "a"), "utf8")).toBe("old");
  expect(await readdir(folder)).toEqual(["a"]);
});

test("publish() moves a file", async () => {
  await writeFile(join(folder, "a"), "x");
  await publish({ from: join(folder, "a"), to: join(folder, "b") });
  expect(await readdir(folder)).toEqual(["b"]);
});

test("fileError() says what failed and why", async () => {
  const absent = await open(join(folder, "none")).catch((error: unknown) => error);
  expect(isAbsent(absent)).toBe(true);
  expect(fileError("open it", absent)).toMatchObject({ kind: "not-found", data: { errno: "ENOENT" } });
  const full = Object.assign(new Error("write ENOSPC"), { code: "ENOSPC" });
  expect(fileError("write it", full)).toMatchObject({
    kind: "unavailable",
    message: "write it: no space left on device",
  });
});

test("fileError() passes on what no system call said", () => {
  for (const error of [new RangeError("x"), new EngineError("conflict", "y"), "text"])
    expect(fileError("do it", error)).toBe(error);
});

test("DirectorySync serves all who ask meanwhile by one more sync, and a failure only those of that one", async () => {
  const missing = join(folder, "later");
  const directory = new DirectorySync(missing);
  const first = directory.sync();
  await expect(first).rejects.toMatchObject({ code: "ENOENT" });
  await mkdir(missing);
  const running = directory.sync();
  await Promise.resolve();
  const [second, third] = [directory.sync(), directory.sync()];
  expect(second).toBe(third);
  await Promise.all([running, second]);
});
