import type {
  BuildCache,
  ContainerSummary,
  EventMessage,
  ImageSummary,
  SystemInfo,
  SystemVersion,
  Volume,
} from "#api/engine";
import type { EngineClient } from "./engine-client.ts";
import { encodeFilters, type Filters } from "./filters.ts";
import { parseJsonLines } from "./json-lines.ts";

/** The engine's version, asked for without a version prefix: one request tells both it and the API version to use. */
export function version(engine: EngineClient): Promise<SystemVersion> {
  return engine.json("GET", "/version", { unversioned: true });
}

export function info(engine: EngineClient): Promise<SystemInfo> {
  return engine.json("GET", "/info");
}

export interface EventsOptions {
  readonly since?: string;
  readonly until?: string;
  readonly filters?: Filters;
  readonly signal?: AbortSignal;
}

/** An event with its exact time: nanoseconds since 1970 are more than a number holds. */
export interface Event extends Omit<EventMessage, "timeNano"> {
  readonly timeNano?: bigint;
}

export async function* events(engine: EngineClient, options: EventsOptions = {}): AsyncGenerator<Event, void> {
  const query = { since: options.since, until: options.until, filters: encodeFilters(options.filters) };
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const response = await engine.request("GET", "/events", { query, ...signal });
  yield* parseJsonLines(response.body, parseEvent);
}

function parseEvent(line: string): Event {
  return JSON.parse(line, (key, value: unknown, context?: { source?: string }) =>
    key === "timeNano" && typeof value === "number" ? BigInt(context?.source ?? value) : value,
  ) as Event;
}

export interface DiskUsage {
  readonly LayersSize?: number;
  readonly Images?: readonly ImageSummary[] | null;
  readonly Containers?: readonly ContainerSummary[] | null;
  readonly Volumes?: readonly Volume[] | null;
  readonly BuildCache?: readonly BuildCache[] | null;
}

export function diskUsage(engine: EngineClient): Promise<DiskUsage> {
  return engine.json("GET", "/system/df");
}
