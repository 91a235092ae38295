import type { Context } from "./context.ts";

export async function size(context: Context, reference: string): Promise<{ rw: number; rootFs: number }> {
  const { id, layers } = context.store.resolve(reference);
  const [rw, layersBytes] = await Promise.all([context.snapshotter.usage(id), context.snapshotter.chainSize(layers)]);
  return { rw, rootFs: rw + layersBytes };
}
