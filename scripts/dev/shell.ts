/** Running commands for ./dev: visible, checked, from the project's root. */
import { resolve } from "node:path";

export const ROOT = resolve(import.meta.dir, "../..");
/** The Bun that runs this script: the one of the lock file. */
export const BUN = process.execPath;

/** A failure that the user should read without a stack. */
export class Failure extends Error {}

export function fail(message: string): never {
  throw new Failure(message);
}

interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Show the command's output only when it fails. */
  quiet?: boolean;
}

/** Runs a command; its failure is ours. */
export async function run(argv: string[], options: RunOptions = {}): Promise<void> {
  const child = Bun.spawn(argv, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    stdin: "ignore",
    stdout: options.quiet ? "pipe" : "inherit",
    stderr: options.quiet ? "pipe" : "inherit",
  });
  const output = options.quiet ? await readAll(child.stdout, child.stderr) : "";
  const code = await child.exited;
  if (code !== 0) fail(`${argv.slice(0, 3).join(" ")} failed (exit code ${code})\n${output}`.trimEnd());
}

async function readAll(...streams: (ReadableStream<Uint8Array> | undefined)[]): Promise<string> {
  const texts = await Promise.all(streams.map((stream) => (stream ? new Response(stream).text() : "")));
  return texts.join("");
}

/** A command's standard output, trimmed; undefined when it fails or is not there. */
export function output(argv: string[]): string | undefined {
  try {
    const result = Bun.spawnSync(argv, { cwd: ROOT, stdout: "pipe", stderr: "ignore" });
    return result.exitCode === 0 ? result.stdout.toString().trim() : undefined;
  } catch {
    return undefined;
  }
}

/** A named step with its time. */
export async function step(name: string, body: () => Promise<void>): Promise<void> {
  const start = performance.now();
  console.log(`── ${name}`);
  await body();
  console.log(`   ${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
