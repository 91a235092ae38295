import type { images } from "#client";
import { ansi, textWidth } from "#lib/term";
import type { Io, Output } from "../io.ts";
import { LayerTable } from "./layer-table.ts";

/** Faster than this nobody reads, and a slow terminal would hold up the transfer. */
const REDRAW_MS = 60;
/** Of a terminal that does not say how large it is. */
const USUAL_SIZE = { columns: 80, rows: 24 };

/**
 * The last lines of a terminal, written anew as a transfer goes on. They never fill the screen, so that what was written before can
 * be found again; after a change of the window's size the old lines are found by how they wrap now.
 */
export class LiveBlock {
  readonly #io: Io;
  readonly #output: Output;
  #table = new LayerTable();
  /** On the screen, above the cursor. */
  #drawn: readonly string[] = [];
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #isScheduled = false;

  constructor(io: Io, output: Output) {
    this.#io = io;
    this.#output = output;
  }

  update(message: images.ProgressMessage): void {
    const nowMs = this.#io.now();
    this.#table.update(message, nowMs);
    if (nowMs - this.#drawnAtMs >= REDRAW_MS) this.#draw(nowMs);
    else this.#drawLater();
  }

  /** Ends the block: its lines stay as they are at last, however many they are. */
  finish(): void {
    if (this.#table.isEmpty) return;
    const lines = this.#table.finalLines();
    this.#table = new LayerTable();
    this.#replace(lines);
    this.#drawn = [];
  }

  /** The last messages of a burst have to be seen as well. */
  #drawLater(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const draw = () => {
      this.#isScheduled = false;
      if (!this.#table.isEmpty) this.#draw(this.#io.now());
    };
    // A terminal that is gone is told by the next write that somebody waits for.
    void this.#io
      .sleep(REDRAW_MS)
      .then(draw, () => undefined)
      .catch(() => undefined);
  }

  #draw(nowMs: number): void {
    this.#drawnAtMs = nowMs;
    const { columns, rows } = this.#size();
    // One line for the cursor, which stands below.
    this.#replace(this.#table.lines({ columns, rows: rows - 1 }));
  }

  #replace(lines: readonly string[]): void {
    const back = ansi.up(this.#rowsDrawn());
    this.#output.write(`\r${back}${lines.map((line) => `${line}${ansi.clearRight}\r\n`).join("")}${ansi.clearBelow}`);
    this.#drawn = lines;
  }

  #rowsDrawn(): number {
    const { columns, rows } = this.#size();
    const taken = this.#drawn.map((line) => Math.max(1, Math.ceil(textWidth(line) / columns)));
    return Math.min(
      rows - 1,
      taken.reduce((sum, each) => sum + each, 0),
    );
  }

  #size(): { columns: number; rows: number } {
    const { columns = 0, rows = 0 } = this.#io.terminalSize() ?? {};
    return { columns: columns || USUAL_SIZE.columns, rows: Math.max(2, rows || USUAL_SIZE.rows) };
  }
}
