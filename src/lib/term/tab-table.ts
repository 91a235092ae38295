export interface TabLayout {
  /** The least width of a cell, padding included. */
  readonly minWidth: number;
  /** Blanks added to the widest cell of a column. */
  readonly padding: number;
}

/**
 * Aligns text whose cells end in tabs, with the rules of elastic tab stops: a column is a run of adjacent lines that
 * have a cell there, and it is as wide as the widest of them. What follows the last tab of a line belongs to no column.
 */
export function alignTabs(text: string, layout: TabLayout): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = lines.map((): number[] => []);
  for (let line = 0; line < lines.length; line++) {
    for (let cell = 0; cell < lines[line]!.length - 1; cell++) {
      if (widths[line]![cell] === undefined) setColumnWidth(lines, widths, { line, cell }, layout);
    }
  }
  return lines.map((cells, line) => alignLine(cells, widths[line]!)).join("\n");
}

function setColumnWidth(
  lines: readonly (readonly string[])[],
  widths: readonly number[][],
  start: { line: number; cell: number },
  layout: TabLayout,
): void {
  const { cell } = start;
  let end = start.line;
  let width = layout.minWidth;
  while (end < lines.length && lines[end]!.length > cell + 1) {
    const cellWidth = textWidth(lines[end]![cell]!);
    width = Math.max(width, cellWidth + layout.padding);
    end++;
  }
  for (let line = start.line; line < end; line++) widths[line]![cell] = width;
}

function alignLine(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, i) => (i === cells.length - 1 ? cell : cell + " ".repeat(widths[i]! - textWidth(cell))))
    .join("");
}

/** Code points, each as one column: what people get from Go's tabwriter, and so what scripts expect. */
export function textWidth(text: string): number {
  let width = 0;
  for (const _ of text) width++;
  return width;
}
