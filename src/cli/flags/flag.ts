import { EngineError } from "#lib/errors";
import { quote } from "#lib/template";

/** What every kind of flag can be told. */
export interface FlagOptions {
  readonly help: string;
  /** One letter. */
  readonly short?: string;
  /** Works, and is not shown. */
  readonly hidden?: boolean;
  /** Works, is not shown, and says what to use in its place. */
  readonly deprecated?: string;
}

/** One flag of a command: its kind, its value when it is not given, and how text becomes a value. */
export interface Flag<T> extends FlagOptions {
  /** The word after the name in help, such as `string`; empty for a switch. */
  readonly type: string;
  readonly initial: T;
  /** Shown in help as the default; empty for none. */
  readonly shownDefault: string;
  /** The text that stands for the flag without a value; switches have it, the others need a value. */
  readonly implied?: string;
  /** Makes a value of the text, given what earlier occurrences made. Throws `invalid-parameter`. */
  parse(text: string, previous: T): T;
}

/** The flags of a command by their long names. */
export type FlagTable = { readonly [name: string]: Flag<unknown> };

export type FlagValues<F extends FlagTable> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

export function bool(options: FlagOptions & { default?: boolean }): Flag<boolean> {
  const initial = options.default ?? false;
  return { ...options, type: "", initial, shownDefault: initial ? "true" : "", implied: "true", parse: parseBool };
}

export function string(options: FlagOptions & { default?: string; type?: string }): Flag<string> {
  const initial = options.default ?? "";
  const shownDefault = initial === "" ? "" : quote(initial);
  return { ...options, type: options.type ?? "string", initial, shownDefault, parse: (text) => text };
}

/** A whole number; `initial` undefined tells a flag that was not given from one that was given as 0. */
export function int(options: FlagOptions & { default?: number }): Flag<number> {
  const initial = options.default ?? 0;
  const shownDefault = initial === 0 ? "" : String(initial);
  return { ...options, type: "int", initial, shownDefault, parse: parseInteger };
}

export function uint16(options: FlagOptions): Flag<number> {
  const parse = (text: string) => {
    if (!/^\d+$/.test(text)) throw syntaxError("ParseUint", text);
    if (Number(text) > 0xffff) throw rangeError("ParseUint", text);
    return Number(text);
  };
  return { ...options, type: "uint16", initial: 0, shownDefault: "0", parse };
}

/** May be given several times; each time adds a value, which `check` may refuse or rewrite. */
export function list(
  options: FlagOptions & { type?: string; shownDefault?: string; check?: (text: string) => string },
): Flag<readonly string[]> {
  const check = options.check ?? ((text: string) => text);
  return {
    ...options,
    type: options.type ?? "list",
    initial: [],
    shownDefault: options.shownDefault ?? "",
    parse: (text, previous) => [...previous, check(text)],
  };
}

/** May be given several times, each time with a value of its own kind. */
export function listOf<T>(
  options: FlagOptions & { type: string; shownDefault?: string; parseOne: (text: string) => T },
): Flag<readonly T[]> {
  return {
    ...options,
    initial: [],
    shownDefault: options.shownDefault ?? "",
    parse: (text, previous) => [...previous, options.parseOne(text)],
  };
}

/** A value of another kind, undefined until it is given. */
export function value<T>(
  options: FlagOptions & { type: string; shownDefault?: string; parseOne: (text: string) => T },
): Flag<T | undefined> {
  return { ...options, initial: undefined, shownDefault: options.shownDefault ?? "", parse: options.parseOne };
}

const TRUE = ["1", "t", "T", "true", "TRUE", "True"];
const FALSE = ["0", "f", "F", "false", "FALSE", "False"];

function parseBool(text: string): boolean {
  if (TRUE.includes(text)) return true;
  if (FALSE.includes(text)) return false;
  throw syntaxError("ParseBool", text);
}

/** A whole number of 64 bits, decimal or with Go's prefixes. */
export function parseInteger(text: string): number {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|\d+)$/.exec(text);
  if (match === null) throw syntaxError("ParseInt", text);
  const digits = /^0[0-7]+$/.test(match[2]!) ? `0o${match[2]!.slice(1)}` : match[2]!;
  const magnitude = BigInt(digits);
  if (magnitude > 0x7fff_ffff_ffff_ffffn) throw rangeError("ParseInt", text);
  return Number(match[1] === "-" ? -magnitude : magnitude);
}

function syntaxError(call: string, text: string): EngineError {
  return new EngineError("invalid-parameter", `strconv.${call}: parsing ${quote(text)}: invalid syntax`);
}

function rangeError(call: string, text: string): EngineError {
  return new EngineError("invalid-parameter", `strconv.${call}: parsing ${quote(text)}: value out of range`);
}
