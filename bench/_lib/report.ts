/** How a measurement is told: a row a question, both engines' figures, their ratio, and the budget that it is held to. */
import { writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";

export interface Row {
  readonly what: string;
  readonly unit: "ms" | "MiB" | "MB/s" | "KiB" | "count" | "s" | "requests/s";
  readonly tug: number;
  /** Undefined where there is nothing to compare with. */
  readonly docker?: number;
  /** `≤ 1/10` of docker's, `≥ 5×` of docker's, or `≤ 90` absolute. */
  readonly budget: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Prints the table and keeps it as `result.md` beside the script. */
export function report(folder: string, rows: readonly Row[]): void {
  const lines = [
    "| what | tug | docker | ratio | budget | kept |",
    "| --- | ---: | ---: | ---: | ---: | --- |",
    ...rows.map(line),
  ];
  const text = `${lines.join("\n")}\n\nMeasured on ${navigator.hardwareConcurrency} cores, Linux ${release()}, Bun ${Bun.version}, both engines in one run.\n`;
  console.log(text);
  writeFileSync(join(folder, "result.md"), text);
}

function line(row: Row): string {
  const ratio =
    row.docker === undefined
      ? ""
      : row.tug < row.docker
        ? `1/${(row.docker / row.tug).toFixed(1)}`
        : `${(row.tug / row.docker).toFixed(1)}×`;
  const docker = row.docker === undefined ? "" : `${format(row.docker)} ${row.unit}`;
  return `| ${row.what} | ${format(row.tug)} ${row.unit} | ${docker} | ${ratio} | ${row.budget} | ${kept(row) ? "yes" : "**no**"} |`;
}

function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

/** Whether a row keeps its budget. */
export function kept(row: Row): boolean {
  const part = /^≤ 1\/(\d+)$/.exec(row.budget);
  if (part) return row.docker !== undefined && row.tug <= row.docker / Number(part[1]);
  const times = /^≥ (\d+)×$/.exec(row.budget);
  if (times) return row.docker !== undefined && row.tug >= row.docker * Number(times[1]);
  const bound = /^≤ ([\d.]+)$/.exec(row.budget);
  if (bound) return row.tug <= Number(bound[1]);
  throw new Error(`budget "${row.budget}" is not understood`);
}
