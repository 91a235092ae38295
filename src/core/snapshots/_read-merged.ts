import type { Executor, HostOp } from "#executor";
import type { Mount } from "./snapshot.ts";

/**
 * Reads a file as a container sees it, through a read-only overlay of its upper directory over what is below. It is
 * mounted in a mount namespace that ends with the plan. The upper directory is a lower one here, so that the
 * container's own mount of it is not disturbed.
 */
export async function readMerged(
  executor: Executor,
  options: {
    /** Mounted first if it is not yet, and the lowest layer. */
    readonly image?: Mount;
    /** Topmost first. */
    readonly lower: readonly string[];
    readonly root: string;
    readonly path: string;
    readonly limitBytes: number;
  },
): Promise<Uint8Array | undefined> {
  const { image, lower, root, path, limitBytes } = options;
  const layers = image === undefined ? lower : [...lower, image.target];
  const ops: HostOp[] = [
    { op: "unshare-mounts" },
    ...(image === undefined ? [] : [mountErofs(image)]),
    { op: "mount-overlay", path: root, lower: layers, upper: "", work: "", options: [] },
    { op: "read-in-root", root, target: path, limitBytes },
  ];
  const bytes = (await executor.run(ops)).at(-1);
  return bytes === undefined || bytes.byteLength === 0 ? undefined : bytes;
}

function mountErofs(image: Mount): HostOp {
  const devices = image.options.map((option) => option.slice("device=".length));
  return { op: "mount-erofs", path: image.target, image: image.source, devices };
}
