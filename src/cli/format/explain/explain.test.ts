/**
 * What is told of images, as golden files: plain as in a pipe, and in colours as on a terminal (`␛` for escape).
 * `UPDATE_GOLDEN=1 bun test` writes them anew. The engine's answers were recorded from a real one.
 */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startTestEngine } from "../../_test-engine.ts";
import { testIo } from "../../_test-io.ts";
import { runCli } from "../../run-cli.ts";

const GOLDEN = join(import.meta.dir, "../../golden/explore");
const WHOLE = "/images/shop:1.4/explain";
const ANSWERS = JSON.parse(readFileSync(join(GOLDEN, "answers.json"), "utf8")) as Record<string, object | object[]>;

const COMMANDS = [
  "explain shop:1.4",
  "explain --layer 3 shop:1.4",
  "explain -n 5 shop:1.4",
  "explain --path /app shop:1.4",
  "explain --path /usr/bin/node shop:1.4",
  "explain --path /bin/sh shop:1.4",
  "explain --path /var/cache/apt/pkg1.deb shop:1.4",
  "explain --path /nope shop:1.4",
  "diff shop:1.4 shop:1.5",
  "ls shop:1.4:/app",
  "ls -la shop:1.4:/app",
  "ls -lh --layers shop:1.4:/app",
  "ls -R shop:1.4:/usr",
];

/** A part of an explanation is recorded without the whole. */
function answer(path: string): Response {
  const key = path.replaceAll("%3A", ":");
  const found = ANSWERS[key] ?? ANSWERS[key.replace("with=shop:", "with=shop%3A")];
  if (found === undefined) return new Response(JSON.stringify({ message: `no answer for ${path}` }), { status: 404 });
  if (Array.isArray(found)) return new Response(found.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return new Response(JSON.stringify(path.includes("/explain") ? { ...ANSWERS[WHOLE], ...found } : found));
}

async function tug(words: readonly string[], columns?: number) {
  const io = testIo(columns === undefined ? {} : { columns });
  using engine = startTestEngine(({ path }) => answer(path));
  const exit = await runCli(words, { ...io, env: { ...io.env, TUG_HOST: engine.host } });
  return { exit, requests: engine.requests, ...io.written };
}

test.each([
  ["plain", undefined],
  ["terminal", 90],
])("what is told of images is %s as it was", async (name, columns) => {
  let text = "";
  for (const command of COMMANDS) {
    const { exit, stdout, stderr } = await tug(command.split(" "), columns);
    expect([command, exit, stderr]).toEqual([command, 0, ""]);
    text += `$ tug ${command}\n${stdout.replaceAll("\x1b", "␛")}\n`;
  }
  const path = join(GOLDEN, `${name}.txt`);
  if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, "utf8"));
});

test("explain --json and --format give the whole document", async () => {
  const { stdout } = await tug(["explain", "--json", "shop:1.4"]);
  expect(JSON.parse(stdout)).toEqual(ANSWERS[WHOLE]);
  expect((await tug(["explain", "--format", "{{.WastedBytes}}", "shop:1.4"])).stdout).toBe("5402737\n");
});

test("explain asks for the platform", async () => {
  const { requests } = await tug(["explain", "--platform", "linux/arm64", "shop:1.4"]);
  expect(decodeURIComponent(requests[0]!.path)).toContain('platform={"os":"linux","architecture":"arm64"}');
});

test.each([
  [["explain"], "requires 1 argument"],
  [["explain", "--layer", "0", "x"], "a layer is a number from 1"],
  [["cat", "shop:1.4"], '"shop:1.4" names no file of an image: write IMAGE:/path'],
  [["diff", "a", "b", "c"], "requires at least 1 and at most 2 arguments"],
])("tug %j is refused", async (words, message) => {
  const { exit, stderr } = await tug(words);
  expect(exit).not.toBe(0);
  expect(stderr).toContain(message);
});

test("names of hostile files cannot drive a terminal", async () => {
  const hostile = { Path: "/\x1b[2Jx\ny", Name: "\x1b[2Jx\ny", Type: "file", Mode: "644" };
  ANSWERS["/images/hostile/files?path=%2F"] = [{ ...hostile, ModTime: "", Links: 1, Uid: 0, Gid: 0, Size: 0 }];
  const { stdout } = await tug(["ls", "hostile"]);
  expect(stdout).toBe("\ufffd[2Jx y\n");
});
