import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ContentStore, createContentStore } from "#core/content";
import type { Executor, HostPlan } from "#executor";
import { EngineError } from "#lib/errors";
import { createLocalWorkers } from "#lib/workers";
import { Mounter, NO_TRASH } from "./_testing.ts";
import { type DriverName, parseDriverName, selectSnapshotter } from "./mod.ts";

let folder: string;
let content: ContentStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tug-select-"));
  content = await createContentStore(join(folder, "content"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An executor on a kernel that refuses these ops, and otherwise reads what the probe wrote. */
function kernelWithout(...refused: string[]): Executor {
  const run = async (plan: HostPlan): Promise<readonly Uint8Array[]> => {
    const op = plan.find(({ op }) => refused.includes(op));
    if (op !== undefined) throw new EngineError("internal", `${op.op}: no such device`);
    return plan.map(({ op }) => Buffer.from(op === "read-in-root" ? "tug" : ""));
  };
  const never = () => Promise.reject(new Error("not in this test"));
  const walk = async function* () {};
  return { run, walk, send: never, start: never, connect: never, [Symbol.asyncDispose]: async () => {} };
}

const select = (executor: Executor, preferred?: DriverName, passedOver?: (name: DriverName, reason: string) => void) =>
  selectSnapshotter({
    root: join(folder, "root"),
    imagesDir: join(folder, "images"),
    workers: createLocalWorkers(),
    content,
    executor,
    trash: NO_TRASH,
    preferred,
    ...(passedOver === undefined ? {} : { passedOver }),
  });

for (const [refused, expected] of [
  [[], "erofs"],
  [["mount-erofs"], "overlay"],
  [["mount-overlay"], "vfs"],
] as const)
  test(`selectSnapshotter() takes ${expected} where the kernel lacks ${refused.join() || "nothing"}`, async () => {
    expect((await select(kernelWithout(...refused))).name).toBe(expected);
    expect(await readdir(join(folder, "root"))).toEqual([expected]);
  });

test("selectSnapshotter() stays with the driver that the root was used with", async () => {
  await mkdir(join(folder, "root", "vfs"), { recursive: true });
  expect((await select(kernelWithout())).name).toBe("vfs");
  expect((await select(kernelWithout(), "overlay")).name).toBe("overlay");
});

test("selectSnapshotter() says which better drivers it passed over, and why", async () => {
  const passedOver: string[] = [];
  await select(kernelWithout("mount-overlay"), undefined, (name, reason) => passedOver.push(`${name}: ${reason}`));
  expect(passedOver.map((line) => line.replace(/ on ".*"/, ""))).toEqual([
    "erofs: overlayfs cannot be mounted: mount-overlay: no such device",
    "overlay: overlayfs cannot be mounted: mount-overlay: no such device",
  ]);
});

test("selectSnapshotter() says what a named driver lacks", async () => {
  const refused = select(kernelWithout("mount-erofs"), "erofs");
  await expect(refused).rejects.toMatchObject({ kind: "failed-precondition" });
  await expect(refused).rejects.toThrow(
    'storage driver "erofs": EROFS cannot be mounted from files, which takes Linux 6.12',
  );
  await expect(select(kernelWithout("mount-overlay"), "overlay")).rejects.toThrow(
    'storage driver "overlay": overlayfs cannot be',
  );
});

test("parseDriverName() understands Docker's name, and refuses a driver that there is none of", () => {
  expect(parseDriverName("overlay2")).toBe("overlay");
  expect(() => parseDriverName("zfs")).toThrow('unknown storage driver "zfs": use one of erofs, overlay, vfs');
});

test("selectSnapshotter() tries this kernel", async () => {
  await using mounter = await Mounter.start();
  for (const name of ["erofs", "overlay", "vfs"] as const)
    expect((await select(mounter.executor, name)).name).toBe(name);
});
