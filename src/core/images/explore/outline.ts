import type { ImageOutlineRow } from "#api/engine";
import { type ByteString, textOf } from "#lib/fs";
import type { Change } from "./changes.ts";
import { filesOf } from "./totals.ts";

/** A path is shown when it has so much of its layer … */
const SHARE = 0.1;
/** … and is no deeper in the picture than that. */
const MAX_DEPTH = 4;
/** So many changes and deletions are shown however small they are. */
const MAX_NOTABLE = 4;
const MAX_ROWS = 12;

interface Node {
  readonly path: string;
  readonly children: Map<string, Node>;
  change?: Change;
  bytes: number;
  files: number;
  /** It is shown, or holds what is. */
  isNotable: boolean;
}

/**
 * The picture of a layer in a few rows: where its bytes are, and what it changed and deleted most. A directory comes before
 * what is in it; one that holds a single thing is passed over.
 */
export function outlineOf(changes: readonly Change[]): ImageOutlineRow[] {
  const root = treeOf(changes);
  const rows: Node[] = [];
  collect(root, { rows, least: weightOf(root) * SHARE, depth: 0 });
  const importance = (node: Node) => weightOf(node) + (node.isNotable ? Number.MAX_SAFE_INTEGER / 2 : 0);
  const kept = new Set(rows.toSorted((a, b) => importance(b) - importance(a)).slice(0, MAX_ROWS));
  return rows.filter((node) => kept.has(node)).map(rowOf);
}

function collect(parent: Node, at: { rows: Node[]; least: number; depth: number }): void {
  const { rows, least, depth } = at;
  const isShown = (node: Node) => node.isNotable || (depth < MAX_DEPTH && weightOf(node) >= least);
  const children = [...parent.children.values()].map(passOver).filter(isShown);
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
  const notable = new Set(notableOf(changes));
  for (const change of changes) {
    const nodes = [root];
    for (const name of change.path.split("/").filter(Boolean)) nodes.push(childOf(nodes.at(-1)!, name));
    for (const node of nodes) {
      node.bytes += change.sizeBytes;
      node.files += filesOf(change);
      node.isNotable ||= notable.has(change);
    }
    nodes.at(-1)!.change = change;
  }
  return root;
}

/** The largest of what was not just added; a directory that got another owner is none. */
function notableOf(changes: readonly Change[]): Change[] {
  const others = changes.filter((change) => change.kind !== "added" && filesOf(change) > 0);
  return others.sort((a, b) => b.sizeBytes - a.sizeBytes).slice(0, MAX_NOTABLE);
}

function childOf(parent: Node, name: string): Node {
  const known = parent.children.get(name);
  if (known !== undefined) return known;
  const child = newNode(`${parent.path}/${name}`);
  parent.children.set(name, child);
  return child;
}

function newNode(path: string): Node {
  return { path, children: new Map(), bytes: 0, files: 0, isNotable: false };
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
