import { mkdir } from "node:fs/promises";
import type { RootMounts } from "#core/snapshots";

/** Shared images are mounted on directories of the host, which a reboot takes along. */
export async function makeMountPoints(root: RootMounts): Promise<void> {
  for (const { target } of root.shared) await mkdir(target, { recursive: true, mode: 0o700 });
}
