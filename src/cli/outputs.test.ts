/**
 * What commands print, against what Docker's own command line prints for the same words and the same engine. The
 * expectations in `golden/` were recorded from it: `UPDATE_GOLDEN=1 bun test` records them anew.
 */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startTestEngine } from "./_test-engine.ts";
import { fixtureAnswer } from "./_test-fixtures.ts";
import { testIo } from "./_test-io.ts";
import { runCli } from "./run-cli.ts";

const GOLDEN = join(import.meta.dir, "golden/outputs.jsonl");

interface Expectation {
  readonly argv: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
}

function readGolden(): Expectation[] {
  const lines = readFileSync(GOLDEN, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Expectation);
}

async function recordGolden(): Promise<Expectation[]> {
  const recorded: Expectation[] = [];
  for (const { argv } of readGolden()) recorded.push(await runDocker(argv));
  writeFileSync(GOLDEN, recorded.map((expectation) => `${JSON.stringify(expectation)}\n`).join(""));
  return recorded;
}

const expectations = process.env.UPDATE_GOLDEN === undefined ? readGolden() : await recordGolden();

test.each(expectations.map((expectation) => [expectation.argv.join(" "), expectation] as const))(
  "%s",
  async (_, expected) => {
    const io = testIo();
    using engine = startTestEngine(fixtureAnswer(io.now() / 1000));
    const exit = await runCli(expected.argv, { ...io, env: { ...io.env, TUG_HOST: engine.host } });
    expect(comparable({ argv: expected.argv, ...io.written, exit })).toEqual(expected);
  },
);

async function runDocker(argv: readonly string[]): Promise<Expectation> {
  using engine = startTestEngine(fixtureAnswer(Math.trunc(Date.now() / 1000)));
  const env = { PATH: process.env.PATH ?? "", HOME: "/nonexistent", TZ: "UTC", DOCKER_HOST: engine.host };
  const docker = Bun.spawn(["docker", ...argv], { env, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([new Response(docker.stdout).text(), new Response(docker.stderr).text()]);
  return comparable({ argv, stdout, stderr, exit: await docker.exited });
}

/** Names of the programs are made one, points in time anonymous. */
function comparable({ argv, stdout, stderr, exit }: Expectation): Expectation {
  const normalize = (text: string) =>
    text
      .replace(/\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} \+0000 UTC/g, "<time>")
      .replace(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z/g, "<time>");
  return { argv, stdout: normalize(stdout), stderr: normalize(stderr.replaceAll("docker", "tug")), exit };
}
