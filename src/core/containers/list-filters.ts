import {
  acceptOnly,
  booleanFilter,
  type Filters,
  invalidFilter,
  matchExact,
  matchLabels,
  matchPattern,
} from "#core/events";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { imageMatcher } from "./image-filter.ts";

type Test = (container: Container) => boolean;

/** `GET /containers/json` (engine-api notes 4). `isolation` means something on Windows only. */
const KEYS =
  "ancestor before exited expose health id is-task isolation label name network publish since status volume".split(" ");
const STATUSES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const HEALTH = ["none", "starting", "healthy", "unhealthy"];

/**
 * Filters as one test.
 *
 * @throws `invalid-parameter` for an unknown key or value; `not-found` for a container named by `before` or `since`
 */
export async function compileFilters(context: Context, filters: Filters): Promise<Test> {
  acceptOnly(filters, KEYS);
  requireAll(filters, "status", (value) => STATUSES.includes(value));
  requireAll(filters, "health", (value) => HEALTH.includes(value));
  requireAll(filters, "exited", (value) => /^-?\d+$/.test(value));
  const isTask = booleanFilter(filters, "is-task");
  const tests: Test[] = [
    await imageMatcher(context.images, filters.get("ancestor")),
    createdBetween(context, filters),
    publishes(filters),
    exposes(filters),
    ({ id }) => matchPattern(filters, "id", id),
    ({ name }) => matchPattern(filters, "name", name) || matchPattern(filters, "name", `/${name}`),
    ({ config }) => matchLabels(filters, "label", config.Labels),
    ({ state }) => matchExact(filters, "status", state.status),
    ({ state }) =>
      !filters.has("exited") || (state.status === "exited" && matchExact(filters, "exited", `${state.exitCode}`)),
    ({ id }) => matchExact(filters, "health", context.health.get(id)?.Status ?? "none"),
    // Only a cluster's containers are tasks.
    () => isTask !== true,
    (container) => isOnNetwork(container, filters.get("network")),
    (container) => hasVolume(container, filters.get("volume")),
  ];
  return (container) => tests.every((test) => test(container));
}

function createdBetween(context: Context, filters: Filters): Test {
  const timesOf = (key: string) =>
    (filters.get(key) ?? []).map((reference) => context.store.resolve(reference).createdAt);
  const before = timesOf("before");
  const since = timesOf("since");
  return ({ createdAt }) => before.every((time) => createdAt < time) && since.every((time) => createdAt > time);
}

function isOnNetwork({ hostConfig, endpoint }: Container, values: readonly string[] = []): boolean {
  const mode = hostConfig.NetworkMode ?? "";
  return values.length === 0 || values.some((value) => value === mode || isPrefix(value, endpoint?.networkID));
}

function hasVolume({ mounts }: Container, values: readonly string[] = []): boolean {
  if (values.length === 0) return true;
  return mounts.some((mount) => values.some((value) => [mount.Name, mount.Source, mount.Destination].includes(value)));
}

interface PortRange {
  readonly first: number;
  readonly last: number;
  readonly protocol: string;
}

function publishes(filters: Filters): Test {
  const ranges = parseRanges(filters, "publish");
  return ({ hostConfig, endpoint }) =>
    ranges.length === 0 ||
    Object.keys(hostConfig.PortBindings ?? {}).some((key) => fitsKey(ranges, key)) ||
    (endpoint?.ports ?? []).some((port) => fits(ranges, port.hostPort, port.protocol));
}

function exposes(filters: Filters): Test {
  const ranges = parseRanges(filters, "expose");
  return ({ config }) =>
    ranges.length === 0 || Object.keys(config.ExposedPorts ?? {}).some((key) => fitsKey(ranges, key));
}

/** `80`, `80/tcp`, `8000-8010/udp`. */
function parseRanges(filters: Filters, key: string): PortRange[] {
  return (filters.get(key) ?? []).map((value) => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(value);
    if (!match) throw invalidFilter(key, [value]);
    return { first: Number(match[1]), last: Number(match[2] ?? match[1]), protocol: match[3] ?? "tcp" };
  });
}

function fitsKey(ranges: readonly PortRange[], key: string): boolean {
  const [port, protocol = "tcp"] = key.split("/");
  return fits(ranges, Number(port), protocol);
}

function fits(ranges: readonly PortRange[], port: number, protocol: string): boolean {
  return ranges.some((range) => range.protocol === protocol && port >= range.first && port <= range.last);
}

function requireAll(filters: Filters, key: string, isValid: (value: string) => boolean): void {
  const values = filters.get(key) ?? [];
  if (!values.every(isValid)) throw invalidFilter(key, values);
}

function isPrefix(prefix: string, id: string | undefined): boolean {
  return prefix !== "" && id?.startsWith(prefix) === true;
}
