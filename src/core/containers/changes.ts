import { textOf } from "#lib/fs";
import type { Change } from "./containers.ts";
import type { Context } from "./context.ts";
import { walkChanges } from "./walk-changes.ts";

/** The verb `diff`. */
export async function changes(context: Context, reference: string): Promise<Change[]> {
  const { id } = context.store.resolve(reference);
  const found: Change[] = [];
  for await (const { kind, entry } of walkChanges(context, id, { forLayer: false, xattrs: [] }))
    found.push({ path: `/${textOf(entry.path)}`, kind });
  return found;
}
