import type { Containers } from "#core/containers";
import type { Registries } from "#core/distribution";
import { type Event, type Events, parseFilters } from "#core/events";
import type { Images } from "#core/images";
import { EngineError } from "#lib/errors";
import type { HttpResponse } from "#lib/http";
import { formatNano, parseTimestamp } from "#lib/time";
import type { SystemBackend } from "../backends.ts";
import { invalid } from "../errors.ts";
import { json } from "../reply.ts";
import { type ApiRequest, get, head, type Route } from "../router.ts";
import { eventLine } from "../views/event.ts";
import { formerInfo, infoView, versionView } from "../views/system.ts";

interface SystemParts {
  readonly containers: Pick<Containers, "list">;
  readonly images: Pick<Images, "list">;
  readonly events: Pick<Events, "subscribe">;
  readonly registries: Pick<Registries, "settings">;
  readonly system: SystemBackend;
  readonly now: () => Date;
}

/** Ping, version, info and events. */
export function systemRoutes(backends: SystemParts): Route[] {
  const { system } = backends;
  return [
    get("/_ping", () => ping("OK")),
    head("/_ping", () => ping("")),
    get("/version", () => json(versionView(system.identity))),
    get("/info", ({ version }) => info(backends, version)),
    get("/events", (request) => follow(backends.events, request)),
  ];
}

function ping(body: string): HttpResponse {
  return {
    status: 200,
    headers: {
      "Builder-Version": "2",
      "Cache-Control": "no-cache, no-store, must-revalidate",
      "Content-Type": "text/plain; charset=utf-8",
      Pragma: "no-cache",
      Swarm: "inactive",
    },
    body,
  };
}

async function info(
  { containers, images, registries, system, now }: SystemParts,
  version: number,
): Promise<HttpResponse> {
  const [facts, all, held] = await Promise.all([
    system.facts(),
    containers.list({ all: true, limit: 0, filters: new Map() }),
    images.list({ all: true, filters: new Map() }),
  ]);
  const running = all.filter(({ state }) => state.status === "running" || state.status === "restarting").length;
  const paused = all.filter(({ state }) => state.status === "paused").length;
  const counts = {
    containers: all.length,
    running,
    paused,
    stopped: all.length - running - paused,
    images: held.length,
  };
  const time = formatNano(BigInt(now().getTime()) * 1_000_000n);
  const view = infoView(system.identity, { facts, counts, registries: registries.settings, now: time });
  return json({ ...view, ...formerInfo(version) });
}

function follow(events: Pick<Events, "subscribe">, request: ApiRequest): HttpResponse {
  const since = timestamp(request.query.text("since"));
  const until = timestamp(request.query.text("until"));
  const filters = parseFilters(request.query.text("filters"));
  if (since !== undefined && until !== undefined && until < since) {
    throw invalid(
      `\`since\` time (${request.query.text("since")}) cannot be after \`until\` time (${request.query.text("until")})`,
    );
  }
  const subscription = events.subscribe({
    ...(since !== undefined && { sinceNano: since }),
    ...(until !== undefined && { untilNano: until }),
    filters,
    signal: request.signal,
  });
  return {
    status: 200,
    headers: { "Content-Type": "application/json" },
    body: lines(subscription),
    endless: true,
  };
}

async function* lines(events: AsyncIterable<Event>): AsyncGenerator<string> {
  for await (const event of events) yield eventLine(event);
}

function timestamp(text: string): bigint | undefined {
  if (text === "") return undefined;
  const nano = parseTimestamp(text);
  if (nano === undefined)
    throw new EngineError("internal", `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return nano;
}
