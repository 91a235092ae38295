/** Go's zero time, which inspect shows for what never happened. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

const RFC3339 = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;
/** What Docker's clients may send besides: no zone (the machine's local one), no seconds, no time. */
const PARTIAL = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?(Z|[+-]\d{2}:\d{2})?$/;

/** Writes nanoseconds since 1970 as RFC 3339 in UTC. `fixed`: always nine digits (log lines), else trailing zeros go. */
export function formatNano(nano: bigint, options: { fixed: boolean } = { fixed: false }): string {
  const seconds = floorDivide(nano, 1_000_000_000n);
  const digits = String(nano - seconds * 1_000_000_000n).padStart(9, "0");
  const head = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  if (options.fixed) return `${head}.${digits}Z`;
  const trimmed = digits.replace(/0+$/, "");
  return trimmed === "" ? `${head}Z` : `${head}.${trimmed}Z`;
}

/** Nanoseconds since 1970 of an RFC 3339 time; undefined when it is none. */
export function nanoOf(text: string): bigint | undefined {
  const match = RFC3339.exec(text);
  if (!match) return undefined;
  const [, date, time, fraction = "", zone] = match;
  const ms = Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/**
 * Reads what clients send as a point in time: UNIX seconds with an optional fraction, or a form of RFC 3339
 * (engine-api notes 11). Undefined when it is neither.
 */
export function parseTimestamp(text: string): bigint | undefined {
  const unix = /^(-?\d{1,12})(?:\.(\d{1,9}))?$/.exec(text);
  if (unix) {
    const fraction = BigInt((unix[2] ?? "").padEnd(9, "0"));
    const seconds = BigInt(unix[1] ?? "0") * 1_000_000_000n;
    return text.startsWith("-") ? seconds - fraction : seconds + fraction;
  }
  const exact = nanoOf(text);
  if (exact !== undefined) return exact;
  const match = PARTIAL.exec(text);
  if (!match) return undefined;
  const [, date, time = "00:00", seconds = "00", fraction = "", zone = ""] = match;
  const ms = Date.parse(`${date}T${time}:${seconds}${zone}`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

function floorDivide(value: bigint, by: bigint): bigint {
  return value >= 0n || value % by === 0n ? value / by : value / by - 1n;
}
