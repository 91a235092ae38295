import { alignColumns, type Cell } from "./columns.ts";
import { oneLine, type Style } from "./style.ts";

/** A path to be drawn, and what stands behind its name. */
export interface TreeRow {
  /** From the root. A directory of another row holds it. */
  readonly path: string;
  readonly isDirectory: boolean;
  /** One letter that says what happened to it. */
  readonly mark?: Mark;
  readonly cells: readonly Cell[];
}

export type Mark = "A" | "C" | "D";

interface Node {
  readonly row: TreeRow;
  readonly children: Node[];
}

/** Draws paths as a tree, in the order of the rows: each below the nearest one that holds it, which comes before it. */
export function drawTree(rows: readonly TreeRow[], style: Style, { indent }: { indent: number }): string[] {
  const roots: Node[] = [];
  const open: Node[] = [];
  for (const row of rows) {
    const node = { row, children: [] };
    while (open.length > 0 && !isBelow(row.path, open.at(-1)!.row.path)) open.pop();
    (open.at(-1)?.children ?? roots).push(node);
    open.push(node);
  }
  const lines: Cell[][] = [];
  for (const root of roots) draw(root, { lines, style, lead: "", from: "/", isLast: root === roots.at(-1) });
  return alignColumns(lines, { indent, right: [1] });
}

interface Drawing {
  readonly lines: Cell[][];
  readonly style: Style;
  /** What stands left of a branch. */
  readonly lead: string;
  /** The directory that it is drawn in. */
  readonly from: string;
  readonly isLast: boolean;
}

function draw({ row, children }: Node, { lines, style, lead, from, isLast }: Drawing): void {
  const branch = `${lead}${isLast ? "└── " : "├── "}`;
  const name = oneLine(row.path.slice(from === "/" ? 1 : from.length + 1));
  const label = `${row.mark === undefined ? "" : `${row.mark} `}${name}${row.isDirectory ? "/" : ""}`;
  const paint = (text: string) =>
    style.dim(text.slice(0, branch.length)) + painter(row, style)(text.slice(branch.length));
  lines.push([{ text: `${branch}${label}`, paint }, ...row.cells]);
  const inner = { lines, style, lead: `${lead}${isLast ? "    " : "│   "}`, from: row.path };
  for (const child of children) draw(child, { ...inner, isLast: child === children.at(-1) });
}

function painter({ mark, isDirectory }: TreeRow, style: Style): (text: string) => string {
  if (mark === "A") return style.green;
  if (mark === "C") return style.yellow;
  if (mark === "D") return style.red;
  return isDirectory ? style.bold : (text) => text;
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`);
}
