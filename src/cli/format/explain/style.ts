import { ansi, colorsAllowed, printable } from "#lib/term";
import type { Io } from "../../io.ts";

type Paint = (text: string) => string;

/** How an explanation looks: in colours on a terminal, plain elsewhere, and as wide as there is room. */
export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly cyan: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly red: Paint;
  /** Of the terminal; elsewhere of a page. */
  readonly columns: number;
  /** Leave out what is long. */
  readonly truncate: boolean;
  /** Where lines of tables are cut, if at all. */
  readonly cutAt: number;
}

const PAGE_COLUMNS = 100;
/** On wider terminals lines get no longer. */
const MAX_COLUMNS = 160;
const MIN_COLUMNS = 40;

export function styleFor(io: Io, { truncate }: { truncate: boolean }): Style {
  const colors = colorsAllowed({ terminal: io.stdout.isTerminal, noColor: io.env.NO_COLOR });
  const { bold, dim, cyan, green, yellow, red } = ansi;
  const plain: Paint = (text) => text;
  const paints = colors
    ? { bold, dim, cyan, green, yellow, red }
    : { bold: plain, dim: plain, cyan: plain, green: plain, yellow: plain, red: plain };
  const room = io.terminalSize()?.columns ?? PAGE_COLUMNS;
  const columns = Math.min(Math.max(room, MIN_COLUMNS), MAX_COLUMNS);
  return { ...paints, columns, truncate, cutAt: truncate ? columns : Number.POSITIVE_INFINITY };
}

/** Text of an image for one line of a terminal. */
export function oneLine(text: string): string {
  return printable(text).replace(/\s+/g, " ").trim();
}
