import type { Executor, HostOp } from "#executor";
import { EngineError } from "#lib/errors";
import type { Mount } from "./snapshot.ts";

interface Wanted {
  /** The root filesystem, or where it is to be mounted. */
  readonly root: string;
  readonly path: string;
  readonly limitBytes: number;
}

/**
 * Reads a file as a container sees it, through a read-only overlay of its upper directory over what is below. It is
 * mounted in a mount namespace that ends with the plan. The upper directory is a lower one here, so that the
 * container's own mount of it is not disturbed.
 */
export async function readMerged(
  executor: Executor,
  options: Wanted & {
    /** Mounted first if it is not yet, and the lowest layer. */
    readonly image?: Mount;
    /** Topmost first. */
    readonly lower: readonly string[];
  },
): Promise<Uint8Array | undefined> {
  const { image, lower, root } = options;
  const layers = image === undefined ? lower : [...lower, image.target];
  return await readInRoot(executor, options, [
    { op: "unshare-mounts" },
    ...(image === undefined ? [] : [mountErofs(image)]),
    { op: "mount-overlay", path: root, lower: layers, upper: "", work: "", options: [] },
  ]);
}

/** Reads a file of a root filesystem, which `prepare` may have to mount. Undefined as `Snapshotter.readFile` says. */
export async function readInRoot(
  executor: Executor,
  { root, path, limitBytes }: Wanted,
  prepare: readonly HostOp[] = [],
): Promise<Uint8Array | undefined> {
  try {
    const results = await executor.run([...prepare, { op: "read-in-root", root, target: path, limitBytes }]);
    const bytes = results.at(-1);
    return bytes === undefined || bytes.byteLength === 0 ? undefined : bytes;
  } catch (error) {
    if (isTooLarge(error)) return undefined;
    throw error;
  }
}

const EFBIG = 27;

function isTooLarge(error: unknown): boolean {
  return error instanceof EngineError && error.data.errno === EFBIG;
}

function mountErofs(image: Mount): HostOp {
  const devices = image.options.map((option) => option.slice("device=".length));
  return { op: "mount-erofs", path: image.target, image: image.source, devices };
}
