/** The drivers against each other: one image of merged layers is what overlayfs makes of the layers kept apart. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createContentStore } from "#core/content";
import { seededRandom } from "#fixtures";
import { byteString } from "#lib/fs";
import { type TarHeader, tarArchive } from "#lib/tar";
import { createLocalWorkers } from "#lib/workers";
import { archived, differences, Mounter, NO_TRASH } from "./_testing.ts";
import { createErofsSnapshotter } from "./erofs.ts";
import { createOverlaySnapshotter } from "./overlay.ts";
import { createVfsSnapshotter } from "./vfs.ts";

let folder: string;
let mounter: Mounter;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tug-drivers-"));
  mounter = await Mounter.start();
});
afterEach(async () => {
  await mounter[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Whole numbers below a limit. */
function random(seed: number): (below: number) => number {
  const next = seededRandom(seed);
  return (below) => Math.floor(next() * below);
}

/**
 * A layer over few names, so that what layers do to each other's files is the rule and not the exception. Symlinks lead
 * to names that are none ("l0" … "l3"), so that they never go in circles.
 */
function randomLayer(next: (below: number) => number): Uint8Array {
  const plain = () => Array.from({ length: 1 + next(3) }, () => "abcd"[next(4)]).join("/");
  const name = () => (next(4) === 0 ? `l${next(4)}/${plain()}` : plain());
  const members: (TarHeader & { content?: string })[] = [];
  for (let i = 0; i < 12; i++) {
    const [path, kind] = [name(), next(10)];
    const common = {
      mode: 0o700 + next(64),
      uid: next(3),
      gid: next(3),
      modified: { seconds: next(2 ** 30), nanoseconds: next(10) },
    };
    const whiteout = path.replace(/[^/]*$/, (last) => (kind === 0 ? ".wh..wh..opq" : `.wh.${last}`));
    if (kind <= 2) members.push({ ...common, type: "file", name: byteString(whiteout) });
    else if (kind <= 5) members.push({ ...common, type: "directory", name: byteString(path) });
    else if (kind === 6)
      members.push({ ...common, type: "symlink", name: byteString(`l${next(4)}`), linkName: byteString(plain()) });
    else members.push({ ...common, type: "file", name: byteString(path), content: "x".repeat(next(2000)) });
  }
  return tarArchive(members);
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  test(`all drivers make the same of the layers of seed ${seed}`, async () => {
    const next = random(seed);
    const content = await createContentStore(join(folder, "content"));
    const chain = [];
    for (let i = 0; i < 5; i++) chain.push(await content.put(randomLayer(next)));
    const options = {
      imagesDir: join(folder, "images"),
      workers: createLocalWorkers(),
      content,
      executor: mounter.executor,
      trash: NO_TRASH,
    };
    const views = [];
    for (const [name, create] of [
      ["erofs", createErofsSnapshotter],
      ["overlay", createOverlaySnapshotter],
      ["vfs", createVfsSnapshotter],
    ] as const) {
      const snapshots = await create({ ...options, root: join(folder, name) });
      views.push(await mounter.mounted(await snapshots.view(chain), async (root) => archived(root)));
    }
    const [erofs, overlay, vfs] = views;
    expect(differences(overlay!, erofs!)).toEqual([]);
    expect(differences(vfs!, erofs!)).toEqual([]);
  });
