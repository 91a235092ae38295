import { afterEach, beforeEach, expect, test } from "bun:test";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NewFile } from "./new-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tug-new-file-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = (name: string) => join(folder, name);

function write(target: string, text: string, { complete }: { complete: boolean }): void {
  using file = new NewFile(target, "failed to test");
  file.write(Buffer.from(text));
  if (complete) file.commit();
}

test("NewFile replaces a file when it is complete, and else leaves it", () => {
  writeFileSync(path("a"), "before");
  write(path("a"), "half", { complete: false });
  expect(readFileSync(path("a"), "utf8")).toBe("before");
  write(path("a"), "whole", { complete: true });
  expect(readFileSync(path("a"), "utf8")).toBe("whole");
  expect(readdirSync(folder)).toEqual(["a"]);
});

test("NewFile follows a symlink and keeps it", () => {
  writeFileSync(path("a"), "before");
  symlinkSync("a", path("link"));
  write(path("link"), "whole", { complete: true });
  expect(lstatSync(path("link")).isSymbolicLink()).toBe(true);
  expect(readFileSync(path("a"), "utf8")).toBe("whole");
});

test("NewFile writes into a pipe and does not replace it", async () => {
  Bun.spawnSync(["mkfifo", path("pipe")]);
  const reader = Bun.spawn(["cat", path("pipe")]);
  write(path("pipe"), "through", { complete: true });
  expect(await new Response(reader.stdout).text()).toBe("through");
  expect(lstatSync(path("pipe")).isFIFO()).toBe(true);
});

test("NewFile says why it cannot be made", () => {
  expect(() => new NewFile(folder, "failed to test")).toThrow(`failed to test: open ${folder}: is a directory`);
  expect(() => new NewFile(path("no/a"), "failed to test")).toThrow("no such file or directory");
});
