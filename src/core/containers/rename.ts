import { EngineError } from "#lib/errors";
import { type Context, emit } from "./context.ts";
import { cannotRename, removalInProgress, renameEmpty, renameSame } from "./errors.ts";
import { parseName } from "./names.ts";

export async function rename(context: Context, reference: string, wanted: string): Promise<void> {
  if (reference === "" || wanted === "") throw renameEmpty();
  const { id } = context.store.resolve(reference);
  const name = allocating(() => parseName(wanted.startsWith("/") ? wanted : `/${wanted}`));
  const { container, before } = await context.locks.run(id, () => {
    const current = context.store.get(id);
    if (current.name === name) throw renameSame();
    // Its row is gone already, and must not come back.
    if (current.state.status === "removing") throw removalInProgress(current.name);
    using reserved = allocating(() => context.store.reserveName(name, id));
    void reserved;
    return { container: context.store.rename(id, name), before: current.name };
  });
  await context.store.durable();
  emit(context, "rename", container, { oldName: `/${before}` });
}

function allocating<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof EngineError ? cannotRename(error) : error;
  }
}
