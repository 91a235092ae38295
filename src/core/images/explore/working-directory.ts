import type { ImageDirectory, ImageDirectoryPart } from "#api/engine";
import type { FileTree } from "#core/snapshots";
import { isKind } from "#lib/errors";
import { type ByteString, byteString, textOf } from "#lib/fs";
import type { Change } from "./changes.ts";
import type { ImageChanges } from "./image-changes.ts";
import { isWithin } from "./totals.ts";

/** Of what is in it, the largest are told. */
const MAX_PARTS = 8;

type Part = { -readonly [K in keyof ImageDirectoryPart]: ImageDirectoryPart[K] };

/** What is in the directory where a container starts, and which layers brought it. */
export function explainWorkingDirectory(tree: FileTree, changes: ImageChanges, path: string): ImageDirectory {
  const found = resolveDirectory(tree, path);
  const directory = found ?? (path as ByteString);
  const parts = new Map<string, Part>();
  const layers = new Set<number>();
  for (const change of changes.visible()) {
    if (change.path === directory || !isWithin(change.path, directory)) continue;
    layers.add(change.layer + 1);
    addTo(parts, change, directory === "/" ? 1 : directory.length + 1);
  }
  const largest = [...parts.values()].sort(
    (a, b) => b.Bytes - a.Bytes || b.Files - a.Files || (a.Name < b.Name ? -1 : 1),
  );
  return {
    Path: path,
    Exists: found !== undefined,
    Files: largest.reduce((sum, { Files }) => sum + Files, 0),
    Bytes: largest.reduce((sum, { Bytes }) => sum + Bytes, 0),
    Layers: [...layers].sort((a, b) => a - b),
    Largest: largest.slice(0, MAX_PARTS),
  };
}

function addTo(parts: Map<string, Part>, { path, inode, sizeBytes, layer }: Change, from: number): void {
  const slash = path.indexOf("/", from);
  const name = path.slice(from, slash < 0 ? undefined : slash) as ByteString;
  const part = parts.get(name) ?? { Name: textOf(name), Type: "directory", Files: 0, Bytes: 0, Layer: 0 };
  parts.set(name, part);
  if (slash < 0) part.Type = inode.type;
  if (inode.type !== "directory") part.Files++;
  part.Bytes += sizeBytes;
  part.Layer = Math.max(part.Layer, layer + 1);
}

function resolveDirectory(tree: FileTree, path: string): ByteString | undefined {
  try {
    const found = tree.resolve(byteString(path));
    return found?.node.type === "directory" ? found.path : undefined;
  } catch (error) {
    // Symlinks that lead round in circles lead nowhere.
    if (isKind(error, "invalid-parameter")) return undefined;
    throw error;
  }
}
