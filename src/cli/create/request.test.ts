/**
 * What `create` sends, against what Docker's own command line sends for the same words. The expectations in `golden/`
 * were recorded from it: `UPDATE_GOLDEN=1 bun test` records them anew with the `docker` in PATH.
 */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { startTestEngine, type TestEngine } from "../_test-engine.ts";
import { testIo } from "../_test-io.ts";
import { runCli } from "../run-cli.ts";

const GOLDEN = join(import.meta.dir, "golden/create-requests.jsonl");
const FILES = join(import.meta.dir, "golden/files");
const ENV = { HOME: "/root" };

/** Fields in which an empty value means something else than no value. */
const DELIBERATE = ["StopTimeout", "Init", "MaskedPaths", "ReadonlyPaths"];
/** Lists whose order Docker leaves to chance. */
const UNORDERED = ["Env", "Binds"];

interface Expectation {
  readonly argv: readonly string[];
  readonly path?: string;
  readonly body?: unknown;
  readonly exit?: number;
  /** The first line. */
  readonly stderr?: string;
}

function startEngine(): TestEngine {
  return startTestEngine(() => Response.json({ Id: "0123456789abcdef", Warnings: [] }, { status: 201 }));
}

function readGolden(): Expectation[] {
  const lines = readFileSync(GOLDEN, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Expectation);
}

async function recordGolden(): Promise<Expectation[]> {
  using engine = startEngine();
  const recorded: Expectation[] = [];
  for (const { argv } of readGolden()) recorded.push(await recordDocker(engine, argv));
  writeFileSync(GOLDEN, recorded.map((expectation) => `${JSON.stringify(expectation)}\n`).join(""));
  return recorded;
}

const expectations = process.env.UPDATE_GOLDEN === undefined ? readGolden() : await recordGolden();

test.each(expectations.map((expectation) => [expectation.argv.join(" "), expectation] as const))(
  "create %s",
  async (_, expected) => {
    using engine = startEngine();
    const io = testIo({ env: { ...ENV, TUG_HOST: engine.host }, cwd: FILES });
    const previous = process.cwd();
    process.chdir(FILES);
    try {
      const exit = await runCli(["create", ...expected.argv], io);
      const actual = outcome(engine, expected.argv, { exit, stderr: io.written.stderr });
      expect(actual).toEqual(expected);
    } finally {
      process.chdir(previous);
    }
  },
);

async function recordDocker(engine: TestEngine, argv: readonly string[]): Promise<Expectation> {
  engine.requests.length = 0;
  const env = { ...ENV, PATH: process.env.PATH ?? "", DOCKER_HOST: engine.host };
  const docker = Bun.spawn(["docker", "create", ...argv], { cwd: FILES, env, stderr: "pipe", stdout: "ignore" });
  const stderr = await new Response(docker.stderr).text();
  return outcome(engine, argv, { exit: await docker.exited, stderr });
}

function outcome(engine: TestEngine, argv: readonly string[], ended: { exit: number; stderr: string }): Expectation {
  const request = engine.requests[0];
  if (ended.exit !== 0 || request === undefined) {
    return { argv, exit: ended.exit, stderr: ended.stderr.split("\n")[0]!.replaceAll("docker", "tug") };
  }
  return { argv, path: request.path, body: canonical("", request.body) };
}

/** A body without what an engine takes for not set, and without the working directory of the test. */
function canonical(key: string, value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll(FILES, "<cwd>").replaceAll(dirname(FILES), "<parent>");
  if (Array.isArray(value)) {
    const items = value.map((item) => canonical("", item));
    return UNORDERED.includes(key) ? items.sort() : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [name, canonical(name, field)] as const);
  const isMap = key === "EndpointsConfig" || fields.some(([name]) => /[^A-Za-z0-9]/.test(name));
  return Object.fromEntries(
    fields.filter(([name, field]) => isMap || !(field === null || (isEmpty(field) && !DELIBERATE.includes(name)))),
  );
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === "" || value === 0 || value === false) return true;
  if (typeof value !== "object") return false;
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
}
