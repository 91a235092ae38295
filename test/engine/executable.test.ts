/** The built executable as a program among others on a machine. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const DIST = resolve(import.meta.dir, "../../dist");

const directory = mkdtempSync(join(tmpdir(), "tug-hostile-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
writeFileSync(join(directory, ".env"), "TUG_HOST=unix:///from/dotenv\n");
writeFileSync(join(directory, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
writeFileSync(join(directory, "preload.ts"), 'console.log("code of the directory ran");\n');

test.each([
  ["tug", ["ps"], "unix:///from/dotenv"],
  ["tugd", ["--version"], "code of the directory"],
] as const)("%s takes neither settings nor code from the directory it is called in", async (program, argv, trace) => {
  const env = { PATH: process.env.PATH ?? "", HOME: directory };
  const child = Bun.spawn([join(DIST, program), ...argv], { cwd: directory, env, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  await child.exited;
  expect(stdout + stderr).not.toContain("code of the directory ran");
  expect(stdout + stderr).not.toContain(trace);
});
