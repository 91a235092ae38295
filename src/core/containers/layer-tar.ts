import { posix } from "node:path";
import type { ByteString } from "#lib/fs";
import type { ContainerID } from "./container.ts";
import type { Context } from "./context.ts";
import { ARCHIVED_XATTRS, TreeTar } from "./tree-tar.ts";
import { type ChangedEntry, walkChanges } from "./walk-changes.ts";

/**
 * What a container changed as a layer (image-spec, "Image Layer Filesystem Changeset"): a name that begins with `.wh.` for what
 * was removed, `.wh..wh..opq` in a directory that hides what was there. Undefined when nothing changed.
 */
export async function layerTar(
  context: Context,
  id: ContainerID,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const changes = walkChanges(context, id, { forLayer: true, xattrs: ARCHIVED_XATTRS, ...(signal && { signal }) });
  const first = await changes.next();
  return first.done ? undefined : tarOf(first.value, changes);
}

async function* tarOf(first: ChangedEntry, changes: AsyncGenerator<ChangedEntry>): AsyncGenerator<Uint8Array> {
  const tar = new TreeTar();
  try {
    yield* add(tar, first);
    for await (const change of changes) yield* add(tar, change);
    yield* tar.end();
  } finally {
    await changes.return(undefined);
  }
}

async function* add(tar: TreeTar, { kind, entry }: ChangedEntry): AsyncGenerator<Uint8Array> {
  if (kind === "deleted") return yield* tar.header({ type: "file", name: whiteoutOf(entry.path), mode: 0o600 });
  yield* tar.add(entry, entry.path);
  if (entry.opaque && entry.below !== "absent")
    yield* tar.header({ type: "file", name: `${entry.path}/.wh..wh..opq` as ByteString, mode: 0o600 });
}

function whiteoutOf(path: ByteString): ByteString {
  return posix.join(posix.dirname(path), `.wh.${posix.basename(path)}`) as ByteString;
}
