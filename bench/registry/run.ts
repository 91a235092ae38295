/** How many manifests and how many bytes a second does a registry give to 64 connections, with TLS and without? */
import { median, type Row, report } from "../_lib/report.ts";
import { type Content, peakMemory, type Registries, type Registry, registries } from "./_registries.ts";

const CONNECTIONS = 64;
const SECONDS = 5;
const ROUNDS = 3;

interface Question {
  readonly what: string;
  readonly unit: "requests/s" | "MB/s";
  readonly budget: string;
  path(content: Content): string;
}

const QUESTIONS: readonly Question[] = [
  { what: "manifest by tag", unit: "requests/s", budget: "≥ 2×", path: () => "/v2/app/manifests/v1" },
  { what: "blob of 10 kB", unit: "requests/s", budget: "≥ 1×", path: ({ small }) => `/v2/app/blobs/${small}` },
  { what: "blob of 64 MiB", unit: "MB/s", budget: "≥ 1×", path: ({ large }) => `/v2/app/blobs/${large}` },
];

/** One run of wrk. @throws when an answer was no success */
async function wrk(registry: Registry, question: Question, content: Content): Promise<number> {
  const child = Bun.spawn([
    "wrk",
    "-t2",
    `-c${CONNECTIONS}`,
    `-d${SECONDS}s`,
    "-H",
    `Accept: ${content.manifest.mediaType}`,
    registry.url + question.path(content),
  ]);
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0 || /Non-2xx/.test(output)) throw new Error(`wrk: ${output}`);
  return question.unit === "MB/s" ? megabytes(output) : Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]);
}

function megabytes(output: string): number {
  const [, number, unit = ""] = /Transfer\/sec:\s+([\d.]+)([KMG]?)B/.exec(output) ?? [];
  return (Number(number) * 1024 ** " KMG".indexOf(unit || " ")) / 1e6;
}

/** The registries take turns. */
async function measure(both: Registries, suffix: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const question of QUESTIONS) {
    const figures = { tug: [] as number[], docker: [] as number[] };
    for (let round = 0; round < ROUNDS; round++)
      for (const name of ["tug", "docker"] as const) figures[name].push(await wrk(both[name], question, both.content));
    const [tug, docker] = [median(figures.tug), median(figures.docker)];
    rows.push({ what: question.what + suffix, unit: question.unit, tug, docker, budget: question.budget });
  }
  const [tug, docker] = [await peakMemory(both.tug), await peakMemory(both.docker)];
  rows.push({ what: `most memory${suffix}`, unit: "MiB", tug, docker, budget: "≤ 250" });
  return rows;
}

const rows: Row[] = [];
for (const tls of [false, true]) {
  await using both = await registries({ tls });
  rows.push(...(await measure(both, tls ? ", TLS" : "")));
}
report(import.meta.dir, rows);
