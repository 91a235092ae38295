const BAR_WIDTH = 50;
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/**
 * The text of a progress message (engine-api notes 5.5): `[=====>     ]  1.049MB/10.49MB`. Clients that draw their
 * own bar take `progressDetail` instead.
 */
export function progressText({ current, total }: { current: number; total: number }): string {
  if (total <= 0) return formatBytes(current).padStart(8);
  const filled = Math.min(Math.trunc(Math.trunc((current / total) * 100) / 2), BAR_WIDTH);
  const bar = `[${"=".repeat(filled)}>${" ".repeat(BAR_WIDTH - filled)}] `;
  const numbers = formatBytes(current).padStart(8);
  return bar + (current > total ? numbers : `${numbers}/${formatBytes(total)}`);
}

/** Bytes as Docker shows them: decimal units, four digits. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(4))}${UNITS[unit]}`;
}
