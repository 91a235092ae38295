import { EngineError } from "#lib/errors";
import { familiarName, familiarReference, type Reference } from "./reference.ts";

/**
 * Whether a shell pattern (`busy*`, `a/b:v[0-9]`) fits the familiar form of a reference, with or without its tag.
 * The pattern language is that of Go's `path.Match`, since users know it from `docker images --filter reference=`.
 *
 * @throws `invalid-parameter` "syntax error in pattern"
 */
export function familiarMatch(pattern: string, reference: Reference): boolean {
  const expression = compilePattern(pattern);
  return expression.test(familiarReference(reference)) || expression.test(familiarName(reference));
}

function compilePattern(pattern: string): RegExp {
  const chunks = [""];
  for (let index = 0; index < pattern.length; ) {
    const [part, length] = compileTerm(pattern, index);
    if (part === STAR) chunks.push("");
    else chunks[chunks.length - 1] += part;
    index += length;
  }
  return new RegExp(`^${joinChunks(chunks)}$`, "su");
}

/**
 * Puts a star between chunks. A chunk takes the first place where it fits and keeps it (a lookahead is not entered
 * again), which finds a match if there is one and cannot backtrack without end. Only the last is tied to the end.
 */
function joinChunks(chunks: readonly string[]): string {
  const [first = "", ...rest] = chunks;
  const last = rest.pop();
  const middle = rest.map((chunk, index) => `(?=([^/]*?${chunk}))\\${index + 1}(?:)`);
  return first + middle.join("") + (last === undefined ? "" : `[^/]*${last}`);
}

/** One term of the pattern: its expression and how many characters it takes. */
function compileTerm(pattern: string, index: number): [string, number] {
  const character = pattern[index] ?? "";
  if (character === "*") return [STAR, 1];
  if (character === "?") return ["[^/]", 1];
  if (character === "[") return compileClass(pattern, index);
  if (character !== "\\") {
    const literal = String.fromCodePoint(pattern.codePointAt(index) ?? 0);
    return [escapeCharacter(literal), literal.length];
  }
  const escaped = literalAt(pattern, index);
  return [escapeCharacter(escaped.character), escaped.length];
}

/** `[a-z]`, `[^a-z]`: at least one range, everything but `\`, `-` and `]` stands for itself. */
function compileClass(pattern: string, start: number): [string, number] {
  let index = start + 1;
  const negated = pattern[index] === "^";
  if (negated) index += 1;
  let ranges = "";
  while (ranges === "" || pattern[index] !== "]") {
    const low = classCharacter(pattern, index);
    index += low.length;
    let high = low;
    if (pattern[index] === "-") {
      high = classCharacter(pattern, index + 1);
      index += 1 + high.length;
    }
    // An inverted range matches nothing in Go; here it would be a syntax error.
    if (low.character <= high.character)
      ranges += `${escapeCharacter(low.character)}-${escapeCharacter(high.character)}`;
    else ranges += EMPTY_RANGE;
    if (index >= pattern.length) throw badPattern();
  }
  return [`[${negated ? "^" : ""}${ranges}]`, index + 1 - start];
}

const STAR = "*";
/** Private use: no reference contains it. */
const EMPTY_RANGE = "\uE000";

function classCharacter(pattern: string, index: number): { character: string; length: number } {
  const character = pattern[index];
  if (character === undefined || character === "-" || character === "]") throw badPattern();
  return literalAt(pattern, index);
}

function literalAt(pattern: string, index: number): { character: string; length: number } {
  const escaped = pattern[index] === "\\";
  const code = pattern.codePointAt(index + (escaped ? 1 : 0));
  if (code === undefined) throw badPattern();
  const character = String.fromCodePoint(code);
  return { character, length: character.length + (escaped ? 1 : 0) };
}

/** By number, which is right inside a class and outside of it. */
function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

function badPattern(): EngineError {
  return new EngineError("invalid-parameter", "syntax error in pattern");
}
