import { EngineError } from "#lib/errors";

/** One step of a pattern: characters that it takes, once or as often as they come. */
interface Step {
  fits(character: string): boolean;
  readonly repeats: boolean;
}

/**
 * Compiles a pattern for names of repositories and tags: `*` is anything within one part of a path, `**` anything at all, `?` one
 * character, `[a-z]` one of several, `[!a-z]` any other. The whole name has to fit. A comparison takes time proportional to the
 * lengths of pattern and name, however many stars there are.
 *
 * @throws `invalid-parameter` for a pattern that has no meaning
 */
export function compilePattern(pattern: string): (name: string) => boolean {
  const steps = pattern.match(/\*\*|\[!?[^[\]]+\]|./gsu)?.map((part) => compileStep(part, pattern));
  if (steps === undefined) throw invalid(pattern, "it is empty");
  return (name) => {
    // How many steps can be behind us, the name having been read so far.
    let reached = skipRepeats(new Set([0]), steps);
    for (const character of name) {
      const next = new Set<number>();
      for (const at of reached) {
        const step = steps[at];
        if (step?.fits(character)) next.add(step.repeats ? at : at + 1);
      }
      if (next.size === 0) return false;
      reached = skipRepeats(next, steps);
    }
    return reached.has(steps.length);
  };
}

/** A step that repeats may also be passed without taking anything. The set grows while it is gone through. */
function skipRepeats(reached: Set<number>, steps: readonly Step[]): Set<number> {
  for (const at of reached) if (steps[at]?.repeats) reached.add(at + 1);
  return reached;
}

function compileStep(part: string, pattern: string): Step {
  if (part === "**") return { fits: () => true, repeats: true };
  if (part === "*") return { fits: (character) => character !== "/", repeats: true };
  if (part === "?") return { fits: (character) => character !== "/", repeats: false };
  if (part === "[" || part === "]") throw invalid(pattern, `"${part}" has no counterpart`);
  if (part.startsWith("[")) return { fits: compileClass(part, pattern), repeats: false };
  return { fits: (character) => character === part, repeats: false };
}

/** `[a-z0]` and `[!a-z0]`. */
function compileClass(part: string, pattern: string): (character: string) => boolean {
  const negated = part[1] === "!";
  const ranges = [...part.slice(negated ? 2 : 1, -1).matchAll(/(.)-(.)|./gsu)].map(([one, low = one, high = one]) => {
    if (low > high) throw invalid(pattern, `the range "${one}" is empty`);
    return { low, high };
  });
  return (character) => ranges.some(({ low, high }) => character >= low && character <= high) !== negated;
}

function invalid(pattern: string, reason: string): EngineError {
  return new EngineError("invalid-parameter", `invalid pattern "${pattern}": ${reason}`);
}
