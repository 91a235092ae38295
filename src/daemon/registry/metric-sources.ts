import type { Clock } from "#lib/time";
import type { MetricSource, Notifier, PullThrough, RegistryStorage } from "#registry";
import type { Upkeep } from "./upkeep.ts";

export interface MetricParts {
  readonly storage: RegistryStorage;
  readonly upkeep: Upkeep;
  readonly notifier: Notifier;
  readonly proxy: PullThrough | undefined;
  /** Requests at work. */
  requests(): number;
  readonly version: string;
  readonly clock: Clock;
}

type Kind = MetricSource["kind"];

/** Everything that `/metrics` tells besides the requests themselves. */
export function metricSources(parts: MetricParts): MetricSource[] {
  const { upkeep, notifier, proxy, requests, version } = parts;
  return [
    {
      name: "tug_registry_build_info",
      help: "Version of the registry",
      kind: "gauge",
      labelNames: ["version"],
      read: () => [{ labels: { version }, value: 1 }],
    },
    number("tug_registry_http_requests_in_flight", "Requests at work", "gauge", requests),
    ...storageSources(parts),
    ...upkeepSources(upkeep),
    ...notificationSources(notifier),
    ...(proxy === undefined ? [] : [cacheSource(proxy)]),
  ];
}

/** Totals are counted once for all the gauges of one scrape. */
const FRESH_NANO = 1_000_000_000n;

function storageSources({ storage: { manifests }, clock }: MetricParts): MetricSource[] {
  type Totals = ReturnType<typeof manifests.totals>;
  let counted: { readonly totals: Totals; readonly atNano: bigint } | undefined;
  const recent = (): Totals => {
    const nowNano = clock.nowNano();
    if (counted === undefined || nowNano - counted.atNano > FRESH_NANO)
      counted = { totals: manifests.totals(), atNano: nowNano };
    return counted.totals;
  };
  const gauge = (name: keyof Totals, help: string) =>
    number(`tug_registry_storage_${name}`, help, "gauge", () => recent()[name]);
  return [
    gauge("repositories", "Repositories that hold something"),
    gauge("manifests", "Manifests, counted in each repository"),
    gauge("tags", "Tags"),
    gauge("blobs", "Blobs, each counted once"),
    gauge("bytes", "Bytes of blobs, each counted once, and of manifests"),
    gauge("uploads", "Uploads that have been begun and not finished"),
  ];
}

function upkeepSources(upkeep: Upkeep): MetricSource[] {
  const { counts } = upkeep;
  const counter = (name: string, help: string, key: keyof typeof counts) =>
    number(`tug_registry_gc_${name}`, help, "counter", () => upkeep.counts[key]);
  return [
    counter("runs_total", "Passes of the garbage collector", "runs"),
    counter("failures_total", "Passes that failed", "failures"),
    counter("removed_blobs_total", "Blobs whose bytes were removed", "removedBlobs"),
    counter("removed_bytes_total", "Bytes that were removed", "removedBytes"),
    counter("removed_manifests_total", "Manifests that nothing referred to for too long", "removedManifests"),
    counter("removed_tags_total", "Tags that no retention rule kept", "removedTags"),
    counter("evicted_manifests_total", "Manifests that the cache had no room for", "evictedManifests"),
    number(
      "tug_registry_gc_last_duration_seconds",
      "How long the last pass took",
      "gauge",
      () => upkeep.counts.lastSeconds,
    ),
  ];
}

function notificationSources(notifier: Notifier): MetricSource[] {
  const each = (key: "delivered" | "failed" | "dropped" | "waiting") =>
    [...notifier.deliveries].map(([endpoint, deliveries]) => ({ labels: { endpoint }, value: deliveries[key] }));
  const source = (name: string, help: string, kind: Kind, key: Parameters<typeof each>[0]): MetricSource => {
    return { name: `tug_registry_notifications_${name}`, help, kind, labelNames: ["endpoint"], read: () => each(key) };
  };
  return [
    source("delivered_total", "Events that were delivered", "counter", "delivered"),
    source("failed_total", "Attempts to deliver that failed", "counter", "failed"),
    source("dropped_total", "Events that will not be delivered", "counter", "dropped"),
    source("waiting", "Events that wait to be delivered", "gauge", "waiting"),
  ];
}

function cacheSource(proxy: PullThrough): MetricSource {
  return {
    name: "tug_registry_proxy_requests_total",
    help: "Manifests and blobs of other registries, by how they were found",
    kind: "counter",
    labelNames: ["result"],
    read: () => Object.entries(proxy.counts).map(([result, value]) => ({ labels: { result }, value })),
  };
}

function number(name: string, help: string, kind: Kind, read: () => number): MetricSource {
  return { name, help, kind, read: () => [{ value: read() }] };
}
