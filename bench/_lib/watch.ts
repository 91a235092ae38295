/** What an engine is like while it works: its memory, and how long it keeps others waiting. */
import { type Engine, residentKiB } from "./engines.ts";

export interface Watched {
  /** At most. */
  readonly residentMiB: number;
  /** `/_ping`, the slowest of a hundred and the slowest of all. */
  readonly answerMs: { readonly p99: number; readonly longest: number };
}

/** Between two looks: often enough to see a peak, and no work of its own. */
const PAUSE_MS = 10;

/** Runs `work` and looks at the engine all the while. */
export async function watch<T>(engine: Engine, work: () => Promise<T>): Promise<{ result: T; watched: Watched }> {
  const pids = engine.processes();
  const answers: number[] = [];
  let residentMiB = 0;
  let isDone = false;
  const looking = (async () => {
    while (!isDone) {
      const start = performance.now();
      await (await fetch("http://engine/_ping", { unix: engine.socket })).text();
      answers.push(performance.now() - start);
      residentMiB = Math.max(residentMiB, (await residentKiB(pids)).rss / 1024);
      await Bun.sleep(PAUSE_MS);
    }
  })();
  const result = await work().finally(() => {
    isDone = true;
  });
  await looking;
  const sorted = answers.sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { result, watched: { residentMiB, answerMs: { p99: at(0.99), longest: at(1) } } };
}

/** As `cli`, without holding up this process: wall time in milliseconds. */
export async function cliBeside(engine: Engine, args: readonly string[], stdout?: string): Promise<number> {
  const start = performance.now();
  const child = Bun.spawn([...engine.cli, ...args], {
    env: { ...process.env, TUG_HOST: "", DOCKER_HOST: engine.host, DOCKER_CONTEXT: "" },
    stdin: "ignore",
    stdout: stdout === undefined ? "ignore" : Bun.file(stdout),
    stderr: "pipe",
  });
  const complaint = new Response(child.stderr).text();
  const code = await child.exited;
  const elapsed = performance.now() - start;
  if (code !== 0) throw new Error(`${engine.name} ${args.join(" ")}: ${await complaint}`);
  return elapsed;
}
