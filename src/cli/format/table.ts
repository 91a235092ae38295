import { alignTabs } from "#lib/term";

/** How all tables of the command line are laid out. */
export const TABLE_LAYOUT = { minWidth: 10, padding: 3 } as const;

/** A table of rows under a head, ready to print. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => `${cells.join("\t")}\n`);
  return alignTabs(lines.join(""), TABLE_LAYOUT);
}
