import { Counter, Gauge, Histogram, Registry as MetricsRegistry } from "prom-client";
import type { Exchange } from "./exchange.ts";

/** Counted elsewhere, and read when somebody looks: a name, its help, and its values by labels. */
export interface MetricSource {
  readonly name: string;
  readonly help: string;
  /** Counters only grow. */
  readonly kind: "counter" | "gauge";
  readonly labelNames?: readonly string[];
  read(): Iterable<{ readonly labels?: Readonly<Record<string, string>>; readonly value: number }>;
}

export interface Metrics {
  observe(exchange: Exchange): void;
  render(): Promise<{ readonly text: string; readonly contentType: string }>;
}

/** From a manifest out of memory to a push of gigabytes. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600];
/** Whatever else a client invents is counted as one. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

/** Metrics in Prometheus's text format. Routes and methods are of closed sets, so that no client can add a series. */
export function createMetrics(sources: readonly MetricSource[]): Metrics {
  const registry = new MetricsRegistry();
  const registers = [registry];
  const requests = new Counter({
    name: "tug_registry_http_requests_total",
    help: "Requests that were answered",
    labelNames: ["route", "method", "code"],
    registers,
  });
  const seconds = new Histogram({
    name: "tug_registry_http_request_duration_seconds",
    help: "Time from the head of a request to the head of its response, the body of an upload included",
    labelNames: ["route", "method"],
    buckets: BUCKETS,
    registers,
  });
  const received = new Counter({
    name: "tug_registry_http_received_bytes_total",
    help: "Bytes of request bodies whose length was given",
    labelNames: ["route"],
    registers,
  });
  const sent = new Counter({
    name: "tug_registry_http_sent_bytes_total",
    help: "Bytes of response bodies whose length was given",
    labelNames: ["route"],
    registers,
  });
  for (const source of sources) addSource(source, registry);
  return {
    observe: ({ request, response, route, seconds: took }) => {
      const method = METHODS.has(request.method) ? request.method : "other";
      requests.inc({ route: route.kind, method, code: response.status });
      seconds.observe({ route: route.kind, method }, took);
      received.inc({ route: route.kind }, lengthOf(request.headers));
      if (request.method !== "HEAD") sent.inc({ route: route.kind }, lengthOf(response.headers));
    },
    render: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
  };
}

function addSource({ name, help, kind, labelNames = [], read }: MetricSource, registry: MetricsRegistry): void {
  const shared = { name, help, labelNames: [...labelNames], registers: [registry] };
  if (kind === "gauge") {
    new Gauge({
      ...shared,
      collect() {
        for (const { labels = {}, value } of read()) this.set(labels, value);
      },
    });
  } else {
    new Counter({
      ...shared,
      collect() {
        this.reset();
        for (const { labels = {}, value } of read()) this.inc(labels, value);
      },
    });
  }
}

function lengthOf(headers: Headers): number {
  const length = Number(headers.get("content-length") ?? 0);
  return Number.isSafeInteger(length) && length > 0 ? length : 0;
}
