import { EngineError } from "#lib/errors";
import { quote } from "#lib/template";
import { parseDuration } from "#lib/time";

/**
 * Reads a duration such as `1m30s` into nanoseconds.
 *
 * @throws EngineError `invalid-parameter` in the words of Go's `time.ParseDuration`.
 */
export function parseNanoseconds(text: string): number {
  const nano = parseDuration(text);
  if (nano !== undefined) return Number(nano);
  throw new EngineError("invalid-parameter", `time: ${durationFault(text)} ${quote(text)}`);
}

function durationFault(text: string): string {
  const body = text.replace(/^[+-]/, "");
  if (!/^[\d.]/.test(body)) return "invalid duration";
  for (const [, , unit = ""] of body.matchAll(/([\d.]+)([^\d.]*)/g)) {
    if (unit === "") return "missing unit in duration";
    if (!/^(ns|us|µs|μs|ms|s|m|h)$/.test(unit)) return `unknown unit ${quote(unit)} in duration`;
  }
  return "invalid duration";
}
