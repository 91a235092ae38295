import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GrowingFile } from "./growing-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tug-growing-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const create = (size: number) => GrowingFile.create(join(folder, "blob"), size);
const never = new AbortController().signal;
const bytes = (text: string) => new TextEncoder().encode(text);

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) text += new TextDecoder().decode(chunk);
  return text;
}

test("GrowingFile gives readers what there is, and holds the last byte back until the whole is right", async () => {
  const file = await create(6);
  const reader = file.read(never);
  await file.append(bytes("abc"));
  expect((await reader.next()).value).toEqual(bytes("abc"));
  await file.append(bytes("def"));
  expect((await reader.next()).value).toEqual(bytes("de"));
  const last = reader.next();
  expect(await Promise.race([last, Promise.resolve("waits")])).toBe("waits");
  await file.finish();
  expect((await last).value).toEqual(bytes("f"));
  expect((await reader.next()).done).toBe(true);
});

test("GrowingFile gives each reader all of it, whenever it comes and even when the name is gone", async () => {
  const file = await create(4);
  const early = textOf(file.read(never));
  await file.append(bytes("ab"));
  const middle = textOf(file.read(never));
  await file.append(bytes("cd"));
  const late = file.read(never);
  const first = await late.next();
  rmSync(join(folder, "blob"));
  await file.finish();
  const rest = await textOf(late);
  expect([await early, await middle, new TextDecoder().decode(first.value) + rest]).toEqual(["abcd", "abcd", "abcd"]);
});

test("GrowingFile tells readers why there will never be more", async () => {
  const file = await create(4);
  const reading = textOf(file.read(never));
  await file.append(bytes("abcd"));
  await file.finish(new Error("digest differs"));
  await expect(reading).rejects.toThrow("digest differs");
  await expect(textOf(file.read(never))).rejects.toThrow("digest differs");
});

test("GrowingFile is an error when it is whole and too short", async () => {
  const file = await create(4);
  await file.append(bytes("ab"));
  await file.finish();
  await expect(textOf(file.read(never))).rejects.toThrow("shorter than it should be");
});

test("GrowingFile lets a reader go that has lost its patience", async () => {
  const file = await create(4);
  const patience = new AbortController();
  const reading = textOf(file.read(patience.signal));
  await file.append(bytes("ab"));
  patience.abort(new Error("client has gone"));
  await expect(reading).rejects.toThrow("client has gone");
  await expect(textOf(file.read(patience.signal))).rejects.toThrow("client has gone");
  await file.finish();
});

test("GrowingFile reads large content in pieces", async () => {
  const size = 3 * 1024 * 1024 + 5;
  const file = await create(size);
  for (let left = size; left > 0; left -= 100_000)
    await file.append(new Uint8Array(Math.min(left, 100_000)).fill(left));
  await file.finish();
  const lengths: number[] = [];
  for await (const chunk of file.read(never)) lengths.push(chunk.byteLength);
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(size);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(256 * 1024);
});
