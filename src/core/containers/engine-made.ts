import type { TreeEntry } from "#executor";
import { typeOf } from "./tree-tar.ts";

/**
 * What the engine itself makes in every root filesystem for something to be mounted on: as long as it is as it was made, it is
 * no change of the container's. Docker keeps it in a layer of its own, the init layer. Where the walk was brief and all of /etc is
 * new, files in it count as empty.
 */
export function isEngineMade(entry: TreeEntry): boolean {
  if (entry.below !== "absent") return false;
  const made = MADE.get(entry.path);
  return made === typeOf(entry) && (made === "directory" || entry.size === 0);
}

const MADE: ReadonlyMap<string, "directory" | "file"> = new Map([
  ["dev", "directory"],
  ["dev/console", "file"],
  ["dev/pts", "directory"],
  ["dev/shm", "directory"],
  ["etc", "directory"],
  ["etc/hostname", "file"],
  ["etc/hosts", "file"],
  ["etc/resolv.conf", "file"],
  ["proc", "directory"],
  ["sys", "directory"],
]);
