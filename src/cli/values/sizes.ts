import { EngineError } from "#lib/errors";
import { quote } from "#lib/template";

const BINARY = 1024;
const DECIMAL = 1000;
const BINARY_SUFFIXES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];
const DECIMAL_SUFFIXES = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
const EXPONENTS: Readonly<Record<string, number>> = { k: 1, m: 2, g: 3, t: 4, p: 5 };

/**
 * Reads an amount of memory: `512`, `64m`, `1.5GiB`. Prefixes are powers of 1024 however they are written.
 *
 * @throws EngineError `invalid-parameter` in go-units' words.
 */
export function parseBytes(text: string): number {
  const [, number = "", suffix = ""] = /^(.*[\d. ])?([^\d. ]*)$/s.exec(text) ?? [];
  if (number === "") throw invalid(`invalid size: '${text}'`);
  const digits = number.endsWith(" ") ? number.slice(0, -1) : number;
  const value = parseFloatStrictly(digits);
  if (value < 0) throw invalid(`invalid size: '${text}'`);
  return Math.trunc(value * BINARY ** exponent(suffix));
}

function parseFloatStrictly(text: string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    throw invalid(`strconv.ParseFloat: parsing ${quote(text)}: invalid syntax`);
  }
  return Number(text);
}

function exponent(suffix: string): number {
  if (suffix.length > 3) throw invalid(`invalid suffix: '${suffix}'`);
  const lower = suffix.toLowerCase();
  if (lower === "" || lower === "b") return 0;
  const power = EXPONENTS[lower[0]!];
  if (power === undefined || !/^.(i?b)?$/.test(lower)) throw invalid(`invalid suffix: '${lower}'`);
  return power;
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}

/** `7.629MiB`: four significant digits, powers of 1024. */
export function formatBinarySize(bytes: number): string {
  return scaled(bytes, BINARY, BINARY_SUFFIXES, 4);
}

/** `1.98MB`: powers of 1000, with three or the given number of significant digits. */
export function formatSize(bytes: number, digits = 3): string {
  return scaled(bytes, DECIMAL, DECIMAL_SUFFIXES, digits);
}

function scaled(bytes: number, base: number, suffixes: readonly string[], digits: number): string {
  let value = bytes;
  let i = 0;
  while (value >= base && i < suffixes.length - 1) {
    value /= base;
    i++;
  }
  return `${significant(value, digits)}${suffixes[i]}`;
}

/** As C's `%.Ng` prints it. */
function significant(value: number, digits: number): string {
  if (value === 0) return "0";
  const power = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  if (power >= digits) {
    const [mantissa, exp = "0"] = value.toExponential(digits - 1).split("e");
    const shown = mantissa!.includes(".") ? mantissa!.replace(/\.?0+$/, "") : mantissa!;
    return `${shown}e+${exp.replace(/^\+/, "").padStart(2, "0")}`;
  }
  const fixed = value.toFixed(Math.max(0, digits - 1 - power));
  return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
}
