import { RE2JS } from "re2js";
import { EngineError } from "#lib/errors";

/** Parsed filters of an API request: key → values. Which keys exist and how they match is the endpoint's affair. */
export type Filters = ReadonlyMap<string, readonly string[]>;

export const NO_FILTERS: Filters = new Map();

/**
 * Reads the `filters` parameter in both of its encodings: `{"label":{"a=b":true}}` and, older, `{"label":["a=b"]}`.
 * Empty text means no filters.
 *
 * @throws `invalid-parameter` "invalid filter"
 */
export function parseFilters(text: string): Filters {
  if (text === "") return NO_FILTERS;
  const document = parseJson(text);
  if (document === null) return NO_FILTERS;
  if (!isRecord(document)) throw invalidFilter();
  const entries = Object.entries(document);
  const asSets = entries.every(([, values]) => values === null || isSetOfStrings(values));
  const asLists = entries.every(([, values]) => values === null || isListOfStrings(values));
  if (!asSets && !asLists) throw invalidFilter();
  return new Map(entries.map(([key, values]) => [key, valuesOf(values)]));
}

/** @throws `invalid-parameter` "invalid filter 'nope'" for a key that the endpoint does not know */
export function acceptOnly(filters: Filters, keys: readonly string[]): void {
  for (const key of filters.keys()) {
    if (!keys.includes(key)) throw invalidFilter(key);
  }
}

/** True without such a filter, else when one of its values is the text. */
export function matchExact(filters: Filters, key: string, text: string): boolean {
  const values = filters.get(key) ?? [];
  return values.length === 0 || values.includes(text);
}

/** True without such a filter, else when the text begins with one of its values. */
export function matchPrefix(filters: Filters, key: string, text: string): boolean {
  const values = filters.get(key) ?? [];
  return values.length === 0 || values.some((value) => text.startsWith(value));
}

/**
 * True without such a filter, else when one of its values is the text or, taken as a regular expression, occurs in
 * it. A value that is no expression matches only exactly.
 */
export function matchPattern(filters: Filters, key: string, text: string): boolean {
  const values = filters.get(key) ?? [];
  return values.length === 0 || values.some((value) => value === text || occurs(value, text));
}

/** True without such a filter, else when every value (`key` or `key=value`) holds for the labels. */
export function matchLabels(
  filters: Filters,
  key: string,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  return (filters.get(key) ?? []).every((wanted) => {
    const equals = wanted.indexOf("=");
    const name = equals < 0 ? wanted : wanted.slice(0, equals);
    if (!labels || !Object.hasOwn(labels, name)) return false;
    return equals < 0 || labels[name] === wanted.slice(equals + 1);
  });
}

/** What prune endpoints do with `label` and `label!`: all of the former must hold and not all of the latter. */
export function matchPruneLabels(filters: Filters, labels: Readonly<Record<string, string>> | undefined): boolean {
  if (!matchLabels(filters, "label", labels)) return false;
  return !filters.has("label!") || !matchLabels(filters, "label!", labels);
}

/**
 * The value of a filter that is true or false (`1`, `true`, `0`, `false`); undefined without such a filter.
 *
 * @throws `invalid-parameter` "invalid filter 'dangling=[x]'" for anything else and for both at once
 */
export function booleanFilter(filters: Filters, key: string): boolean | undefined {
  const values = filters.get(key);
  if (!values) return undefined;
  const isTrue = values.includes("1") || values.includes("true");
  const isFalse = values.includes("0") || values.includes("false");
  if (isTrue === isFalse) throw invalidFilter(key, values);
  return isTrue;
}

/** Docker's words for a filter that cannot be. */
export function invalidFilter(key?: string, values: readonly string[] = []): EngineError {
  const detail = values.length > 0 ? `=[${values.join(" ")}]` : "";
  return new EngineError(
    "invalid-parameter",
    key === undefined ? "invalid filter" : `invalid filter '${key}${detail}'`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidFilter();
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSetOfStrings(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((present) => typeof present === "boolean");
}

function isListOfStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function valuesOf(values: unknown): string[] {
  if (isListOfStrings(values)) return [...new Set(values)];
  return isRecord(values) ? Object.keys(values) : [];
}

/** Go's expressions, which take time linear in the text: a hostile one must not stop the daemon. */
function occurs(pattern: string, text: string): boolean {
  try {
    return RE2JS.compile(pattern).matcher(text).find();
  } catch {
    return false;
  }
}
