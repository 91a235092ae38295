import { EngineError } from "#lib/errors";

/** One line of what `--change` takes: Dockerfile instructions, only those that change an image's config. */
export interface Instruction {
  /** In upper case. */
  readonly name: string;
  /** `--interval=5s` → `interval`, `5s`. */
  readonly flags: ReadonlyMap<string, string>;
  /** All behind name and flags, as written. */
  readonly rest: string;
}

const ALLOWED = [
  ...["CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL"],
  ...["ONBUILD", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"],
];

/**
 * Reads instructions, one a line; a backslash at its end continues a line, `#` begins a comment.
 *
 * @throws `invalid-parameter` with dockerd's texts
 */
export function parseInstructions(text: string): Instruction[] {
  const lines = text
    .split(/\r?\n/)
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join("\n")
    .replace(/\\[ \t]*\n/g, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (lines.length === 0) throw invalidChange("file with no instructions");
  return lines.map(parseInstruction);
}

export function invalidChange(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}

/** The strings of a JSON list, which is how commands without a shell are written; undefined for anything else. */
export function parseJsonStrings(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
  } catch {
    // Then a shell gets it.
    return undefined;
  }
}

function parseInstruction(line: string): Instruction {
  const [word = ""] = line.split(/\s/, 1);
  const name = word.toUpperCase();
  if (!ALLOWED.includes(name)) throw invalidChange(`${word} is not a valid change command`);
  const flags = new Map<string, string>();
  let rest = line.slice(word.length).trim();
  for (let flag = takeFlag(rest); flag; flag = takeFlag(rest)) {
    flags.set(flag.name, flag.value);
    rest = flag.rest;
  }
  return { name, flags, rest };
}

function takeFlag(text: string): { name: string; value: string; rest: string } | undefined {
  const match = /^--([a-z][a-z-]*)(?:=(\S*))?(?:\s+|$)/.exec(text);
  return match ? { name: match[1] ?? "", value: match[2] ?? "", rest: text.slice(match[0].length) } : undefined;
}
