import { type Context, emit } from "./context.ts";
import { renameEmpty, renameSame } from "./errors.ts";
import { parseName } from "./names.ts";

export async function rename(context: Context, reference: string, wanted: string): Promise<void> {
  const { id } = context.store.resolve(reference);
  if (reference === "" || wanted === "") throw renameEmpty();
  const name = parseName(wanted);
  const { container, before } = await context.locks.run(id, () => {
    const current = context.store.get(id);
    if (current.name === name) throw renameSame();
    using reserved = context.store.reserveName(name, id);
    void reserved;
    return { container: context.store.rename(id, name), before: current.name };
  });
  emit(context, "rename", container, { oldName: `/${before}` });
}
