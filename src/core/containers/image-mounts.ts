import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { HostConfig } from "#api/engine";
import type { ImageID } from "#core/images";
import { mountPoints, mountRoot } from "#core/runtime";
import type { DiffID } from "#core/snapshots";
import { EngineError } from "#lib/errors";
import { byteString, textOf } from "#lib/fs";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";

/** Another image whose files a container sees, read-only. Which image it is is settled at create. */
export interface ImageMount {
  readonly destination: string;
  readonly imageID: ImageID;
  readonly layers: readonly DiffID[];
  /** Relative; empty: all of it. */
  readonly subpath: string;
}

/** The images that a host config mounts. @throws `not-found` */
export async function findImageMounts({ images }: Context, { Mounts }: HostConfig): Promise<ImageMount[]> {
  const wanted = mountPoints({ Mounts: (Mounts ?? []).filter(({ Type }) => Type === "image") });
  const found = wanted.map(async (point) => {
    if (point.type !== "image") return [];
    const { id, document } = await images.get(point.reference);
    const { destination, subpath } = point;
    return [{ destination, subpath, imageID: id, layers: document.rootfs.diff_ids }];
  });
  return (await Promise.all(found)).flat();
}

/** Where a run has them mounted, each by itself, on the host. */
export function imageMountPaths({ layout }: Context, { id, imageMounts = [] }: Container): string[] {
  return imageMounts.map((_, index) => join(layout.task(id).path, `image-${index}`));
}

/**
 * Mounts them for a run, whose plan unmounts them. Resolves to what the container is to see, by its place there.
 *
 * @throws `invalid-parameter` when an image has no such path
 */
export async function mountImages(
  context: Context,
  container: Container,
  undo: AsyncDisposableStack,
): Promise<Map<string, string>> {
  const { imageMounts = [] } = container;
  const paths = imageMountPaths(context, container);
  undo.defer(() => unmount(context, paths));
  const shown = imageMounts.map(async ({ destination, layers, subpath }, index): Promise<[string, string]> => {
    const path = paths[index] ?? "";
    const root = await context.snapshotter.view(layers);
    await mkdir(path, { recursive: true, mode: 0o700 });
    await context.executor.run([{ op: "enter-host-mounts" }, ...mountRoot(root, path)]);
    return [destination, path + (await partOf(context, { layers, subpath }))];
  });
  return new Map(await Promise.all(shown));
}

/** Takes mounts of a run away that its plan has not. */
export async function unmount({ executor }: Context, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const ops = paths.map((path) => ({ op: "umount", path, detach: true }) as const);
  await executor.run([{ op: "enter-host-mounts" }, ...ops]);
}

/** Links are followed here, with the image as the root, so that none leads out of it. */
async function partOf(
  { snapshotter }: Context,
  { layers, subpath }: Pick<ImageMount, "layers" | "subpath">,
): Promise<string> {
  if (subpath === "") return "";
  using tree = await snapshotter.browse(layers);
  const found = tree.resolve(byteString(`/${subpath}`));
  if (!found) throw new EngineError("invalid-parameter", `cannot access path ${subpath}: the image has none`);
  return textOf(found.path);
}
