/** Parsed filters of an API request: key → values. Which keys exist and how they match is the endpoint's affair. */
export type Filters = ReadonlyMap<string, readonly string[]>;
