import { textWidth } from "#lib/term";

/** A cell of a table; paint goes on when it has its width. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

export interface ColumnLayout {
  /** Blanks before each line. */
  readonly indent: number;
  /** Columns whose cells stand at the right, as numbers do. */
  readonly right?: readonly number[];
}

const GAP = "  ";

/** Rows in columns as wide as their widest cell. The last column is as wide as it is. */
export function alignColumns(rows: readonly (readonly Cell[])[], { indent, right = [] }: ColumnLayout): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, textWidth(textOf(cell)));
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const isLast = column === row.length - 1;
      const padding = " ".repeat(widths[column]! - textWidth(textOf(cell)));
      const painted = typeof cell === "string" ? cell : cell.paint(cell.text);
      if (right.includes(column)) return padding + painted;
      return isLast ? painted : painted + padding;
    });
    return `${" ".repeat(indent)}${cells.join(GAP)}`.trimEnd();
  });
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}
