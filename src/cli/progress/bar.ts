import type { images } from "#client";
import { formatSize } from "../values/sizes.ts";

const BAR_CELLS = 50;
/** A shorter bar tells nothing. */
const LEAST_BAR_CELLS = 8;
const SIZE_DIGITS = 4;

export type Progress = NonNullable<images.ProgressMessage["progressDetail"]>;

/** Whether there is an amount to show at all. */
export function isMoving(progress: Progress | undefined): progress is Progress {
  return (progress?.current ?? 0) > 0 || (progress?.total ?? 0) > 0;
}

/** `[=====>     ]` for as many columns as there are; empty where they are too few, and for an unknown end. */
export function barText({ current = 0, total = 0 }: Progress, columns: number): string {
  const cells = Math.min(BAR_CELLS, columns - "[>]".length);
  if (cells < LEAST_BAR_CELLS || total <= 0) return "";
  const done = Math.min(cells, Math.trunc((current / total) * cells));
  return `[${"=".repeat(done)}>${" ".repeat(cells - done)}]`;
}

/** `1.05MB/2.1MB`, or what there is of it. */
export function amountText(progress: Progress): string {
  const { current = 0, total = 0, units = "" } = progress;
  if (progress.hidecounts === true || !isMoving(progress)) return "";
  const isOpen = total <= 0 || current > total;
  if (units !== "") return isOpen ? `${current} ${units}` : `${current}/${total} ${units}`;
  return isOpen
    ? formatSize(current, SIZE_DIGITS)
    : `${formatSize(current, SIZE_DIGITS)}/${formatSize(total, SIZE_DIGITS)}`;
}
