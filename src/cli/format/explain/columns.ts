import { textWidth } from "#lib/term";
import { ellipsis } from "../ellipsis.ts";

/** A cell of a table; paint goes on when it has its width. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

export interface ColumnLayout {
  /** Blanks before each line. */
  readonly indent: number;
  /** Columns whose cells stand at the right, as numbers do. */
  readonly right?: readonly number[];
  /** Cut the last column where a line would be longer than that. */
  readonly columns?: number;
}

const GAP = "  ";
/** A column is not cut to less. */
const MIN_LAST = 24;

/** Rows in columns as wide as their widest cell. The last cell of a row counts for no column's width. */
export function alignColumns(rows: readonly (readonly Cell[])[], layout: ColumnLayout): string[] {
  const { indent, right = [], columns = Number.POSITIVE_INFINITY } = layout;
  const widths = widthsOf(rows, right);
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const padding = " ".repeat(Math.max(0, widths[column]! - textWidth(textOf(cell))));
      if (right.includes(column)) return padding + painted(cell);
      if (column < row.length - 1) return painted(cell) + padding;
      const before = widths.slice(0, column).reduce((sum, width) => sum + width + GAP.length, indent);
      return painted(cut(cell, Math.max(MIN_LAST, columns - before)));
    });
    return `${" ".repeat(indent)}${cells.join(GAP)}`.trimEnd();
  });
}

function widthsOf(rows: readonly (readonly Cell[])[], right: readonly number[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      const counts = column < row.length - 1 || right.includes(column);
      widths[column] = Math.max(widths[column] ?? 0, counts ? textWidth(textOf(cell)) : 0);
    }
  }
  return widths;
}

function cut(cell: Cell, columns: number): Cell {
  if (columns === Number.POSITIVE_INFINITY) return cell;
  return typeof cell === "string" ? ellipsis(cell, columns) : { ...cell, text: ellipsis(cell.text, columns) };
}

function painted(cell: Cell): string {
  return typeof cell === "string" || cell.text === "" ? textOf(cell) : cell.paint(cell.text);
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}
