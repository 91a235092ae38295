import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestEngine } from "./_test-engine.ts";
import { fixtureAnswer } from "./_test-fixtures.ts";
import { testIo } from "./_test-io.ts";
import { runCli } from "./run-cli.ts";

test("a configuration that makes no sense is told once and passed over", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tug-config-"));
  writeFileSync(join(directory, "config.json"), "{bad");
  using engine = startTestEngine(fixtureAnswer(1_000_000));
  const io = testIo({ env: { TUG_HOST: engine.host, DOCKER_CONFIG: directory } });
  expect(await runCli(["ps", "-q"], io)).toBe(0);
  expect(io.written.stdout).not.toBe("");
  expect(io.written.stderr).toMatch(/^WARNING: Error parsing config file: .*config\.json: .*\n$/);
  rmSync(directory, { recursive: true });
});
