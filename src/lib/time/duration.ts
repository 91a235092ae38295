/** Go's units, in nanoseconds. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Parses a duration as Go's `time.ParseDuration` does (`1h30m`, `1.5s`, `-2ms`) into nanoseconds; undefined when it is none. */
export function parseDuration(text: string): bigint | undefined {
  if (text === "0") return 0n;
  const sign = text.startsWith("-") ? -1n : 1n;
  const body = text.replace(/^[+-]/, "");
  if (!/^(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/.test(body))
    return undefined;
  let total = 0n;
  for (const [, number = "0", unit = "ns"] of body.matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += BigInt(Math.round(Number(number) * (UNITS[unit] ?? 1)));
  }
  return sign * total;
}

/** Writes nanoseconds as Go prints a duration: `1h0m5s`, `1.5s`, `250ms`. */
export function formatDuration(nano: bigint): string {
  if (nano < 0n) return `-${formatDuration(-nano)}`;
  if (nano === 0n) return "0s";
  if (nano < 1_000n) return `${nano}ns`;
  if (nano < 1_000_000n) return `${Number(nano) / 1e3}µs`;
  if (nano < 1_000_000_000n) return `${Number(nano) / 1e6}ms`;
  const seconds = nano / 1_000_000_000n;
  const rest = Number(seconds % 60n) + Number(nano % 1_000_000_000n) / 1e9;
  const minutes = seconds / 60n;
  if (minutes === 0n) return `${rest}s`;
  return minutes < 60n ? `${minutes}m${rest}s` : `${minutes / 60n}h${minutes % 60n}m${rest}s`;
}
