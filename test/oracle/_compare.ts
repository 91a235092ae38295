import { expect } from "bun:test";
import { DIFFERENCES, withSameWords } from "./_differences.ts";
import type { Engine, Engines } from "./_engines.ts";
import type { Answer } from "./_http.ts";
import { normaliseBody, normaliseText } from "./_normalise.ts";

/** Headers that clients look at. Which engine it is tug says with every answer, Docker not with all: that has a test of its own. */
const HEADERS = ["content-type", "upgrade", "builder-version", "swarm"];

/** Holds what tug did against what the real engine did, once the justified differences are taken out of both. */
export function same(values: { tug: unknown; docker: unknown }): void {
  expect(withoutDifferences(values.tug)).toEqual(withoutDifferences(values.docker) as never);
}

/** Sends the same request to both and compares status, headers and body. */
export async function sameAnswer(
  engines: Engines,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<void> {
  same(await engines.both(async (engine) => shown(engine, await engine.send(method, path, body, headers))));
}

/** Runs the same command line against both and compares both outputs and the exit code. */
export async function sameCommand(engines: Engines, args: readonly string[], stdin?: string): Promise<void> {
  same(
    await engines.both(async (engine) => {
      const { code, stdout, stderr } = await engine.docker(args, stdin === undefined ? {} : { stdin });
      return { code, stdout: normaliseText(engine, stdout), stderr: normaliseText(engine, stderr) };
    }),
  );
}

/** What is compared of an answer. */
export function shown(engine: Engine, { status, headers, body }: Answer): unknown {
  const kept = HEADERS.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]]));
  return { status, headers: Object.fromEntries(kept), body: normaliseBody(engine, body) };
}

/** Walks a document, leaves out each member that is known to differ, and puts known words for others. */
function withoutDifferences(value: unknown, path = ""): unknown {
  if (typeof value === "string") return withSameWords(value);
  if (Array.isArray(value)) return value.map((item) => withoutDifferences(item, `${path}[]`));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !isKnown(`${path}.${key}`));
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutDifferences(item, `${path}.${key}`)]));
}

function isKnown(path: string): boolean {
  return DIFFERENCES.some(({ member }) => (typeof member === "string" ? path.endsWith(member) : member.test(path)));
}
