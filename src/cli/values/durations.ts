import { EngineError } from "#lib/errors";
import { parseDuration } from "#lib/time";
import { quote } from "./quote.ts";

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

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `3 seconds`, `About a minute`, `5 weeks`: how long something took or is ago, as people say it. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < MINUTE) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / MINUTE);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(ms / 1000 / HOUR + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  const days = hours / 24;
  if (hours < 24 * 7 * 2) return `${Math.trunc(days)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(days / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(days / 30)} months`;
  return `${Math.trunc(seconds / DAY / 365)} years`;
}
