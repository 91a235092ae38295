import { expect, test } from "bun:test";
import { startTestEngine } from "../_test-engine.ts";
import { fixtureAnswer } from "../_test-fixtures.ts";
import { testIo } from "../_test-io.ts";
import { runCli } from "../run-cli.ts";

/** The words that are offered, and the directive after them. */
async function complete(...words: string[]): Promise<{ words: string[]; directive: string }> {
  using engine = startTestEngine(fixtureAnswer(1_000_000));
  const io = testIo({ env: { TUG_HOST: engine.host } });
  expect(await runCli(["__complete", "--", ...words], io)).toBe(0);
  const lines = io.written.stdout.trimEnd().split("\n");
  const directive = lines.pop() ?? "";
  return { words: lines.map((line) => line.split("\t")[0]!), directive };
}

test.each([
  [["sy"], ["system"]],
  [
    ["container", "re"],
    ["rename", "restart"],
  ],
  [["-D", "--host", "unix:///x", "volu"], ["volume"]],
  [
    ["run", "--net"],
    ["--network", "--network-alias"],
  ],
  [
    ["run", "--pull", ""],
    ["always", "missing", "never"],
  ],
  [["rm", "w"], ["web"]],
  [["rm", "-f", "web", "q"], ["quiet"]],
  [
    ["run", "-it", "busy"],
    ["busybox:1.36", "busybox:latest"],
  ],
  [
    ["network", "inspect", "app"],
    ["app10", "app9"],
  ],
  [["nosuch", "x"], []],
  [["run", "--pull=m"], ["--pull=missing"]],
  [["--log-level", "d"], ["debug"]],
  [["help", "ren"], ["rename"]],
  [["ps", "--format", "j"], ["json"]],
] as const)("__complete %j offers %j", async (words, offered) => {
  expect(await complete(...words)).toEqual({ words: [...offered], directive: ":words" });
});

test("__complete leaves files, and the command line in the container, to the shell", async () => {
  expect(await complete("load", "-i", "")).toEqual({ words: [], directive: ":files" });
  expect(await complete("run", "busybox", "sh", "-")).toEqual({ words: [], directive: ":files" });
  expect(await complete("run", "busybox", "--pull=m")).toEqual({ words: [], directive: ":files" });
});

test("__complete asks the engine that the words name", async () => {
  using engine = startTestEngine(fixtureAnswer(1_000_000));
  const io = testIo({ env: { TUG_HOST: "unix:///nonexistent/tug.sock" } });
  expect(await runCli(["__complete", "--", "-H", engine.host, "rm", "w"], io)).toBe(0);
  expect(io.written.stdout).toStartWith("web\t");
});

test("__complete offers nothing, and says nothing, when no engine listens", async () => {
  const io = testIo({ env: { TUG_HOST: "unix:///nonexistent/tug.sock" } });
  expect(await runCli(["__complete", "rm", ""], io)).toBe(0);
  expect(io.written).toEqual({ stdout: ":words\n", stderr: "" });
});

test.each(["bash", "zsh", "fish"])("completion %s prints a script that asks __complete", async (shell) => {
  const io = testIo();
  expect(await runCli(["completion", shell], io)).toBe(0);
  expect(io.written.stdout).toContain("__complete");
});
