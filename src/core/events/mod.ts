/** What happened in the engine: history, followers, and the filters that select among such lists. */
export type { Event, Events } from "./event.ts";
export { createEvents, EVENT_MIGRATIONS, type EventLogOptions } from "./event-log.ts";
export {
  acceptOnly,
  booleanFilter,
  type Filters,
  invalidFilter,
  matchExact,
  matchLabels,
  matchPattern,
  matchPruneLabels,
  parseFilters,
} from "./filters.ts";
