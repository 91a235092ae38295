import type { Filters } from "#core/events";
import type { Container } from "./container.ts";
import type { ListQuery } from "./containers.ts";
import type { Context } from "./context.ts";
import { compileFilters } from "./list-filters.ts";
import { isRunning } from "./state.ts";

/** Newest first. Filters on what a container was or is look at all of them, others at running ones unless `all` is set. */
export async function list(context: Context, { all, limit, filters }: ListQuery): Promise<Container[]> {
  const matches = await compileFilters(context, filters);
  const everything = all || limit > 0 || looksAtStopped(filters);
  const found = [...context.store.all()]
    .filter((container) => (everything || isUp(container)) && matches(container))
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
  return limit > 0 ? found.slice(0, limit) : found;
}

/** Docker lists a container that waits for its restart among the running ones. */
function isUp({ state }: Container): boolean {
  return isRunning(state) || state.status === "restarting";
}

function looksAtStopped(filters: Filters): boolean {
  return ["status", "exited", "before", "since"].some((key) => filters.has(key));
}
