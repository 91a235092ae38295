/** Filters by key, each with the values that were given for it. */
export type Filters = ReadonlyMap<string, readonly string[]>;

/** In the engine's form, `{"label":{"a=b":true}}`; nothing at all when there is no filter. */
export function encodeFilters(filters?: Filters): string | undefined {
  if (filters === undefined || filters.size === 0) return undefined;
  const fields = [...filters].map(([key, values]) => [key, Object.fromEntries(values.map((value) => [value, true]))]);
  return JSON.stringify(Object.fromEntries(fields));
}
