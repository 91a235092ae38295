/** How long do images take from a registry and to it? */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRegistry } from "../../test/fixtures/registry.ts";
import { type Engine, engines } from "../_lib/engines.ts";
import { generatedImage, type ImageShape, LARGE, MANY_LAYERS } from "../_lib/generated-image.ts";
import { median, type Row, report } from "../_lib/report.ts";
import { cliBeside, type Watched, watch } from "../_lib/watch.ts";

const RUNS = 3;
/** Of what takes some ten milliseconds. */
const QUICK_RUNS = 15;

await using both = await engines();
const sides = [both.tug, both.docker] as const;
await using stack = new AsyncDisposableStack();

/** One registry on the loopback of both engines. From then on nothing may block here: this process reads their logs. */
async function registryForBoth(): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), "tug-bench-registry-"));
  stack.defer(() => rmSync(root, { recursive: true, force: true }));
  const one = stack.use(await startRegistry({ root, namespace: both.docker.namespace() }));
  stack.use(await startRegistry({ root, port: one.port }));
  return one.host;
}

interface Pulled {
  readonly ms: number;
  readonly watched: Watched;
}

/** From nothing to a container that has run. */
async function pull(engine: Engine, name: string): Promise<Pulled> {
  const { result: ms, watched } = await watch(engine, async () => {
    const pulling = await cliBeside(engine, ["pull", "-q", name]);
    return pulling + (await cliBeside(engine, ["run", "--rm", "--network", "none", name, "true"]));
  });
  return { ms, watched };
}

async function load(engine: Engine, shape: ImageShape, name: string): Promise<void> {
  await cliBeside(engine, ["load", "-q", "-i", await generatedImage(shape)]);
  await cliBeside(engine, ["tag", shape.tag, name]);
}

/** dockerd pushes the image, and both pull it in turns. */
async function measurePulls(shape: ImageShape): Promise<{ name: string; tug: Pulled[]; docker: Pulled[] }> {
  const name = `${registry}/${shape.tag}`;
  await load(both.docker, shape, name);
  await cliBeside(both.docker, ["push", "-q", name]);
  await cliBeside(both.docker, ["rmi", shape.tag, name]);
  const pulled = { tug: [] as Pulled[], docker: [] as Pulled[] };
  for (let run = 0; run < RUNS; run++) {
    for (const engine of sides) {
      if (run > 0) await cliBeside(engine, ["rmi", name]);
      pulled[engine.name].push(await pull(engine, name));
    }
  }
  return { name, ...pulled };
}

async function quick(args: readonly string[]): Promise<{ tug: number; docker: number }> {
  const times = { tug: [] as number[], docker: [] as number[] };
  for (let run = 0; run < QUICK_RUNS; run++)
    for (const engine of sides) times[engine.name].push(await cliBeside(engine, args));
  return { tug: median(times.tug), docker: median(times.docker) };
}

async function firstPush(engine: Engine): Promise<number> {
  // One that has none of it, and no other engine's either.
  const name = `${await registryForBoth()}/first-push:1`;
  await load(engine, LARGE, name);
  const ms = await cliBeside(engine, ["push", "-q", name]);
  await cliBeside(engine, ["rmi", LARGE.tag, name]);
  return ms;
}

const registry = await registryForBoth();
const times = (pulled: readonly Pulled[]) => median(pulled.map(({ ms }) => ms));
const worst = (pulled: readonly Pulled[], of: (watched: Watched) => number) =>
  Math.max(...pulled.map(({ watched }) => of(watched)));

const large = await measurePulls(LARGE);
const present: Row[] = [
  { what: "pull, all present", unit: "ms", ...(await quick(["pull", "-q", large.name])), budget: "≤ 1/1" },
  { what: "push, all present", unit: "ms", ...(await quick(["push", "-q", large.name])), budget: "≤ 1/1" },
];
for (const engine of sides) await cliBeside(engine, ["rmi", large.name]);
const many = await measurePulls(MANY_LAYERS);
for (const engine of sides) await cliBeside(engine, ["rmi", many.name]);
const push = { docker: await firstPush(both.docker), tug: await firstPush(both.tug) };

report(import.meta.dir, [
  {
    what: "pull, 1.3 GB in 36,000 files and 6 gzip layers, until it has run",
    unit: "ms",
    tug: times(large.tug),
    docker: times(large.docker),
    budget: "≤ 1/5",
  },
  { what: "pull, 40 small layers", unit: "ms", tug: times(many.tug), docker: times(many.docker), budget: "≤ 1/3" },
  { what: "first push of the large one", unit: "ms", ...push, budget: "≤ 1/1" },
  ...present,
  {
    what: "resident while the large one comes, all of the engine's processes",
    unit: "MiB",
    tug: worst(large.tug, ({ residentMiB }) => residentMiB),
    docker: worst(large.docker, ({ residentMiB }) => residentMiB),
    budget: "≤ 250",
  },
  {
    what: "answer to others meanwhile, 99th percentile",
    unit: "ms",
    tug: worst(large.tug, ({ answerMs }) => answerMs.p99),
    docker: worst(large.docker, ({ answerMs }) => answerMs.p99),
    budget: "≤ 20",
  },
]);
