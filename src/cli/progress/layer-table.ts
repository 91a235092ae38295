/** What a transfer has come to, layer by layer, and how that looks in a number of lines and columns. Pure: it draws nothing. */
import type { images } from "#client";
import { printable, textWidth } from "#lib/term";
import { formatDuration } from "#lib/time";
import { formatSize } from "../values/sizes.ts";
import { amountText, barText, isMoving, type Progress } from "./bar.ts";
import { Speedometer } from "./speedometer.ts";

/** Statuses during which bytes travel, in pulls, pushes and loads. */
const TRAVELLING = /^(Downloading|Pushing|Loading layer|Saving)/;
/** Statuses after which nothing more happens to a layer. */
const FINAL = /(^Pull complete|^Already exists|^Pushed|already exists|^Mounted|^Skipped|^Loaded)/;
/** As wide as the words that come with a bar. */
const STATUS_COLUMNS = 13;

interface Row {
  readonly id: string;
  status: string;
  progress: Progress | undefined;
  speed: Speedometer;
  /** How much of it has travelled, and how much there is. */
  travelled: number;
  size: number;
}

export interface View {
  readonly columns: number;
  /** How many lines there may be. */
  readonly rows: number;
}

export class LayerTable {
  readonly #rows = new Map<string, Row>();
  readonly #speed = new Speedometer();

  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  update({ id = "", status = "", progressDetail }: images.ProgressMessage, nowMs: number): void {
    const row = this.#row(id);
    if (status !== row.status) row.speed = new Speedometer();
    row.status = status;
    row.progress = isMoving(progressDetail) ? progressDetail : undefined;
    row.speed.add(row.progress?.current ?? 0, nowMs);
    if (TRAVELLING.test(status) && row.progress !== undefined) {
      row.travelled = row.progress.current ?? 0;
      row.size = Math.max(row.progress.total ?? 0, row.travelled);
    } else if (!/^(Waiting|Retrying|Preparing)/.test(status)) row.travelled = row.size;
    this.#speed.add(
      this.#sum((each) => each.travelled),
      nowMs,
    );
  }

  /** All layers, one line each, without bars: what stays when it is over. */
  finalLines(): string[] {
    return [...this.#rows.values()].map(({ id, status }) => printable(`${id}: ${status}`));
  }

  /** As much as fits: layers at work before those that wait or are done, the others counted in one line. */
  lines(view: View): string[] {
    const all = [...this.#rows.values()];
    const total = this.#totalLine(view.columns);
    const room = Math.max(1, view.rows - (total === undefined ? 0 : 1));
    const shown = all.length <= room ? all : atWorkFirst(all, room - 1);
    const lines = shown.map((row) => rowLine(row, view.columns));
    const hidden = all.filter((row) => !shown.includes(row));
    if (hidden.length > 0) lines.push(hiddenLine(hidden));
    if (total !== undefined) lines.push(total);
    return lines.slice(0, Math.max(1, view.rows)).map((line) => cut(line, view.columns));
  }

  /** Sums of several layers, while any of them travels. */
  #totalLine(columns: number): string | undefined {
    const known = [...this.#rows.values()].filter(({ size }) => size > 0);
    const [current, total] = [this.#sum((row) => row.travelled), this.#sum((row) => row.size)];
    if (known.length < 2 || current >= total) return undefined;
    return movingLine("Total", { progress: { current, total }, perSecond: this.#speed.perSecond, columns });
  }

  #sum(amount: (row: Row) => number): number {
    let sum = 0;
    for (const row of this.#rows.values()) sum += amount(row);
    return sum;
  }

  #row(id: string): Row {
    const found = this.#rows.get(id);
    if (found !== undefined) return found;
    const row: Row = { id, status: "", progress: undefined, speed: new Speedometer(), travelled: 0, size: 0 };
    this.#rows.set(id, row);
    return row;
  }
}

/** In the order in which they stand, so that lines do not jump about. */
function atWorkFirst(rows: readonly Row[], count: number): Row[] {
  const rank = ({ progress, status }: Row) => (progress !== undefined ? 0 : FINAL.test(status) ? 2 : 1);
  const chosen = new Set(rows.toSorted((a, b) => rank(a) - rank(b)).slice(0, Math.max(0, count)));
  return rows.filter((row) => chosen.has(row));
}

function hiddenLine(rows: readonly Row[]): string {
  const done = rows.filter(({ status }) => FINAL.test(status)).length;
  const parts = [
    ...(done > 0 ? [`${done} done`] : []),
    ...(done < rows.length ? [`${rows.length - done} waiting`] : []),
  ];
  return `… and ${rows.length} more: ${parts.join(", ")}`;
}

function rowLine({ id, status, progress, speed }: Row, columns: number): string {
  const name = printable(`${id}: ${status}`);
  if (progress === undefined) return name;
  const label = `${printable(id)}: ${printable(status).padEnd(STATUS_COLUMNS)}`;
  return movingLine(label, { progress, perSecond: speed.perSecond, columns });
}

interface Motion {
  readonly progress: Progress;
  readonly perSecond: number | undefined;
  readonly columns: number;
}

function movingLine(label: string, { progress, perSecond, columns }: Motion): string {
  const numbers = [amountText(progress), ...paceTexts(progress, perSecond)].filter(Boolean).join("  ");
  const bar = barText(progress, columns - 1 - textWidth(label) - textWidth(numbers) - 2);
  return [label, bar, numbers].filter(Boolean).join(" ");
}

/** The speed and the time that is left. */
function paceTexts({ current = 0, total = 0, units }: Progress, perSecond: number | undefined): string[] {
  if (perSecond === undefined || perSecond < 1 || units) return [];
  const seconds = total > current ? Math.ceil((total - current) / perSecond) : 0;
  return [`${formatSize(perSecond)}/s`, ...(seconds > 0 ? [formatDuration(BigInt(seconds) * 1_000_000_000n)] : [])];
}

/** The last column stays free: some terminals begin a new line as soon as it is written. */
function cut(line: string, columns: number): string {
  return columns <= 0 || textWidth(line) < columns ? line : [...line].slice(0, Math.max(0, columns - 1)).join("");
}
