/** Values of log options, read as Docker reads them and refused in the words of Go's libraries. */
import { parseDuration } from "#lib/time";
import { refused } from "../../errors.ts";

const POWERS = ["", "k", "m", "g", "t", "p"];

/** `10m` is ten million: files are measured in decimal units. @throws `invalid-parameter` */
export function parseHumanSize(text: string): number {
  return parseSize(text, 1000);
}

/** `10m` is ten times 1024²: memory is measured in binary units. @throws `invalid-parameter` */
export function parseMemorySize(text: string): number {
  return parseSize(text, 1024);
}

function parseSize(text: string, base: number): number {
  const match = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text);
  if (!match) throw refused(`invalid size: '${text}'`);
  return Math.floor(Number(match[1]) * base ** POWERS.indexOf((match[2] ?? "").toLowerCase()));
}

/** A Go boolean: `1`, `t`, `true` and their opposites. @throws `invalid-parameter` */
export function parseBool(text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw refused(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** @throws `invalid-parameter` */
export function parseInteger(text: string): number {
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  throw refused(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** @throws `invalid-parameter` */
export function parseUnsigned(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw refused(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** Milliseconds. @throws `invalid-parameter` */
export function parseMilliseconds(text: string): number {
  const nano = parseDuration(text);
  if (nano !== undefined) return Number(nano) / 1e6;
  const problem = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? "missing unit in duration" : "invalid duration";
  throw refused(`time: ${problem} ${JSON.stringify(text)}`);
}

/** The value of an option that is given and not empty, read by `parse`. */
export function optional<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  return text === undefined || text === "" ? undefined : parse(text);
}
