/** How long do images take that come from archives and go into them, and what do they take of the disk? */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { cli, diskBytes, type Engine, engines } from "../_lib/engines.ts";
import { generatedImage, type ImageShape, LARGE, MANY_LAYERS } from "../_lib/generated-image.ts";
import { median, report } from "../_lib/report.ts";
import { cliBeside, type Watched, watch } from "../_lib/watch.ts";

/** Each image is loaded, saved and removed so often; medians count. */
const RUNS = 3;

interface Figures {
  readonly load: number;
  readonly save: number;
  readonly remove: number;
  readonly disk: number;
  readonly watched: Watched;
}

await using both = await engines();

async function measureOnce(engine: Engine, image: ImageShape): Promise<Figures> {
  const archive = await generatedImage(image);
  const saved = join("/var/tmp", `${engine.name}-bench-save.tar`);
  const before = await diskBytes(engine);
  const { result: load, watched } = await watch(engine, () => cliBeside(engine, ["load", "-q", "-i", archive]));
  const disk = (await diskBytes(engine)) - before;
  const save = await cliBeside(engine, ["save", "-o", saved, image.tag]);
  rmSync(saved);
  cli(engine, ["run", "--rm", "--network", "none", image.tag, "true"]);
  const remove = cli(engine, ["rmi", image.tag]);
  return { load, save, remove, disk, watched };
}

async function measure(image: ImageShape): Promise<{ tug: Figures; docker: Figures }> {
  const tug: Figures[] = [];
  const docker: Figures[] = [];
  for (let run = 0; run < RUNS; run++) {
    tug.push(await measureOnce(both.tug, image));
    docker.push(await measureOnce(both.docker, image));
  }
  return { tug: typical(tug), docker: typical(docker) };
}

/** The median of what takes time, the worst of everything else. */
function typical(figures: readonly Figures[]): Figures {
  const middle = (of: (each: Figures) => number) => median(figures.map(of));
  const worst = (of: (each: Figures) => number) => Math.max(...figures.map(of));
  return {
    load: middle(({ load }) => load),
    save: middle(({ save }) => save),
    remove: middle(({ remove }) => remove),
    disk: worst(({ disk }) => disk),
    watched: {
      residentMiB: worst(({ watched }) => watched.residentMiB),
      answerMs: {
        p99: worst(({ watched }) => watched.answerMs.p99),
        longest: worst(({ watched }) => watched.answerMs.longest),
      },
    },
  };
}

const large = await measure(LARGE);
const many = await measure(MANY_LAYERS);

function row(what: string, budget: string, figures: { tug: Figures; docker: Figures }, of: (each: Figures) => number) {
  return { what, unit: "ms", tug: of(figures.tug), docker: of(figures.docker), budget } as const;
}

report(import.meta.dir, [
  row("load, 1.3 GB in 36,000 files and 6 layers", "≤ 1/8", large, ({ load }) => load),
  row("save", "≤ 1/4", large, ({ save }) => save),
  row("rmi", "≤ 1/10", large, ({ remove }) => remove),
  row("load, 40 small layers", "≤ 1/3", many, ({ load }) => load),
  {
    what: "disk, of the large image",
    unit: "MiB",
    tug: large.tug.disk / 2 ** 20,
    docker: large.docker.disk / 2 ** 20,
    budget: "≤ 1/1",
  },
  {
    what: "resident while it loads, all of the engine's processes",
    unit: "MiB",
    tug: large.tug.watched.residentMiB,
    docker: large.docker.watched.residentMiB,
    budget: "≤ 250",
  },
  {
    what: "answer to others meanwhile, 99th percentile",
    unit: "ms",
    tug: large.tug.watched.answerMs.p99,
    docker: large.docker.watched.answerMs.p99,
    budget: "≤ 20",
  },
]);
