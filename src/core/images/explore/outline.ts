import type { ImageOutlineRow } from "#api/engine";
import { type ByteString, textOf } from "#lib/fs";
import type { Change } from "./changes.ts";
import { filesOf } from "./totals.ts";

/** A path is shown when it has so much of its layer … */
const SHARE = 0.1;
/** … and is no deeper in the picture than that. */
const MAX_DEPTH = 4;
const MAX_ROWS = 12;

interface Node {
  readonly path: string;
  readonly children: Map<string, Node>;
  change?: Change;
  bytes: number;
  files: number;
}

/**
 * The picture of a layer in a few rows: where its bytes are, what was deleted counted too. A directory comes before what is
 * in it; one that holds a single thing is passed over.
 */
export function outlineOf(changes: readonly Change[]): ImageOutlineRow[] {
  const root = treeOf(changes);
  const rows: Node[] = [];
  collect(root, { rows, least: weightOf(root) * SHARE, depth: 0 });
  const kept = new Set(rows.toSorted((a, b) => weightOf(b) - weightOf(a)).slice(0, MAX_ROWS));
  return rows.filter((node) => kept.has(node)).map(rowOf);
}

function collect(parent: Node, at: { rows: Node[]; least: number; depth: number }): void {
  const { rows, least, depth } = at;
  if (depth >= MAX_DEPTH) return;
  const children = [...parent.children.values()].map(passOver).filter((node) => weightOf(node) >= least);
  for (const child of children.sort((a, b) => weightOf(b) - weightOf(a) || (a.path < b.path ? -1 : 1))) {
    rows.push(child);
    collect(child, { rows, least, depth: depth + 1 });
  }
}

/** The first directory on the way down that holds more than one thing. */
function passOver(node: Node): Node {
  let last = node;
  while (last.children.size === 1 && last.change?.kind !== "changed") last = [...last.children.values()][0]!;
  return last;
}

/** A file without content is something, too. */
function weightOf({ bytes, files }: Node): number {
  return bytes + files;
}

function treeOf(changes: readonly Change[]): Node {
  const root = newNode("");
  for (const change of changes) {
    const files = filesOf(change);
    let node = root;
    for (const name of change.path.split("/").filter(Boolean)) {
      node.bytes += change.sizeBytes;
      node.files += files;
      node = childOf(node, name);
    }
    node.bytes += change.sizeBytes;
    node.files += files;
    node.change = change;
  }
  return root;
}

function childOf(parent: Node, name: string): Node {
  const known = parent.children.get(name);
  if (known !== undefined) return known;
  const child = newNode(`${parent.path}/${name}`);
  parent.children.set(name, child);
  return child;
}

function newNode(path: string): Node {
  return { path, children: new Map(), bytes: 0, files: 0 };
}

function rowOf({ path, change, children, bytes, files }: Node): ImageOutlineRow {
  return {
    Path: textOf(path as ByteString),
    ...(change !== undefined && { Kind: change.kind }),
    Type: children.size > 0 ? "directory" : (change?.inode.type ?? "directory"),
    Bytes: bytes,
    Files: files,
  };
}
