import type { TreeEntry } from "#executor";
import type { ByteString } from "#lib/fs";
import { type Context, emit } from "./context.ts";
import { ARCHIVED_XATTRS, TreeTar } from "./tree-tar.ts";
import { type Walk, walkFiles } from "./walk-files.ts";

/** The verb `export`: everything beneath the root. */
export async function exportFiles(
  context: Context,
  reference: string,
  { signal }: { readonly signal?: AbortSignal },
): Promise<AsyncIterable<Uint8Array>> {
  const { id } = context.store.resolve(reference);
  const walk = await walkFiles(context, id, {
    target: "/",
    mounts: false,
    xattrs: ARCHIVED_XATTRS,
    ...(signal && { signal }),
  });
  emit(context, "export", context.store.get(id));
  return tarOf(walk, ({ path }) => (path === "" ? undefined : path));
}

/** A tar of a walk. Entries without a name are left out. */
export async function* tarOf(
  walk: Walk,
  nameOf: (entry: TreeEntry) => ByteString | undefined,
): AsyncGenerator<Uint8Array> {
  const tar = new TreeTar();
  for await (const entry of walk.entries) {
    const name = nameOf(entry);
    if (name !== undefined) yield* tar.add(entry, name);
  }
  yield* tar.end();
}
