import type { Filters } from "#core/events";
import { EngineError } from "#lib/errors";
import { type Clock, parseDuration, parseTimestamp } from "#lib/time";

/**
 * The value of a filter that is a time, or a duration before now (`24h`); nanoseconds since 1970.
 *
 * @throws `invalid-parameter` with dockerd's text for anything else, and for more than one value
 */
export function timeFilter(filters: Filters, key: string, clock: Clock): bigint | undefined {
  const values = filters.get(key) ?? [];
  if (values.length > 1) throw new EngineError("invalid-parameter", `more than one ${key} filter specified`);
  const [text] = values;
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  const time = duration === undefined ? parseTimestamp(text) : clock.nowNano() - duration;
  if (time === undefined) {
    throw new EngineError("invalid-parameter", `failed to parse value as time or duration: "${text}"`);
  }
  return time;
}
