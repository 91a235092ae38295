import type { TreeEntry } from "#executor";
import { EngineError } from "#lib/errors";
import type { ContainerID } from "./container.ts";
import type { Context } from "./context.ts";
import { withView } from "./view.ts";

const EVERYTHING = {
  op: "walk",
  root: "",
  below: "",
  opaque: "",
  all: false,
  changed: false,
  brief: false,
  content: true,
} as const;

/** A walk that has begun: its root is there. */
export interface Walk {
  readonly first: TreeEntry;
  /** All entries, `first` included. */
  readonly entries: AsyncIterable<TreeEntry>;
}

/**
 * Begins a walk through a container's files, with their content. What its first step throws is thrown here. A walk that
 * nobody goes on with is ended by the signal.
 */
export async function walkFiles(
  context: Context,
  id: ContainerID,
  options: { target: string; mounts: boolean; xattrs: readonly string[]; signal?: AbortSignal },
): Promise<Walk> {
  const { target, xattrs, mounts, signal } = options;
  return await withView(context, id, {
    mounts,
    writable: false,
    act: async (ops) => {
      const walk = { ...EVERYTHING, target: Buffer.from(target), xattrs };
      const entries = context.executor.walk([...ops, walk], signal);
      const step = await entries.next();
      if (step.done) throw new EngineError("internal", `walk "${target}": it has no root`);
      return { first: step.value, entries: resumed(step.value, entries) };
    },
  });
}

async function* resumed(first: TreeEntry, entries: AsyncGenerator<TreeEntry>): AsyncGenerator<TreeEntry> {
  try {
    yield first;
    yield* entries;
  } finally {
    await entries.return(undefined);
  }
}
