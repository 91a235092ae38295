import { EngineError } from "#lib/errors";
import { parseDuration, parseTimestamp } from "#lib/time";

/**
 * Turns what people give for `--since` and `--until` into UNIX seconds with nine digits of fraction: a point in time,
 * or a Go duration that counts back from now.
 *
 * @throws EngineError `invalid-parameter` when it is neither.
 */
export function toUnixTime(text: string, nowMs: number): string {
  if (/^-?\d+(\.\d*)?$/.test(text)) return text;
  const ago = parseDuration(text);
  const nano = ago === undefined ? parseTimestamp(text) : BigInt(Math.trunc(nowMs)) * 1_000_000n - ago;
  if (nano === undefined)
    throw new EngineError("invalid-parameter", `failed to parse value as time or duration: ${JSON.stringify(text)}`);
  const seconds = nano / 1_000_000_000n;
  return `${seconds}.${String(nano - seconds * 1_000_000_000n).padStart(9, "0")}`;
}
