/** Points in time with nanoseconds, as the Engine API writes and reads them, Go durations, and a clock that tests can drive. */
export { type Clock, systemClock } from "./clock.ts";
export { formatDuration, parseDuration } from "./duration.ts";
export { durationText } from "./duration-text.ts";
export { formatNano, nanoOf, parseTimestamp, ZERO_TIME } from "./timestamp.ts";
