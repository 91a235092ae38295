import type { images } from "#client";
import { formatDuration } from "#lib/time";
import { formatSize } from "../values/sizes.ts";

/** Narrower terminals show numbers and no bar. */
const MIN_COLUMNS_FOR_BAR = 110;
const MIN_COLUMNS_FOR_TIME = 50;
const BAR_CELLS = 50;
const SIZE_DIGITS = 4;

type Progress = NonNullable<images.ProgressMessage["progressDetail"]>;

/** `[=====>     ]  1.05MB/2.1MB 3s`; empty when there is nothing to tell. */
export function progressText(progress: Progress | undefined, at: { columns: number; nowMs: number }): string {
  const { current = 0, total = 0 } = progress ?? {};
  if (progress === undefined || (current <= 0 && total <= 0)) return "";
  if (total <= 0) return amount(current, progress.units);
  const cells = Math.min(BAR_CELLS, Math.trunc(Math.trunc((current / total) * 100) / 2));
  const bar = at.columns > MIN_COLUMNS_FOR_BAR ? `[${"=".repeat(cells)}>${" ".repeat(BAR_CELLS - cells)}] ` : "";
  const isTimed = current > 0 && (progress.start ?? 0) > 0 && cells < BAR_CELLS && at.columns > MIN_COLUMNS_FOR_TIME;
  return bar + counts(progress) + (isTimed ? ` ${timeLeft(progress, at.nowMs)}` : "");
}

function counts(progress: Progress): string {
  const { current = 0, total = 0, units = "" } = progress;
  if (progress.hidecounts === true) return "";
  if (units !== "") return `${current}/${total} ${units}`;
  return current > total ? amount(current, "") : `${amount(current, "")}/${formatSize(total, SIZE_DIGITS)}`;
}

function amount(current: number, units = ""): string {
  return units === "" ? formatSize(current, SIZE_DIGITS).padStart(8) : `${current} ${units}`;
}

function timeLeft({ current = 0, total = 0, start = 0 }: Progress, nowMs: number): string {
  const elapsedMs = nowMs - start * 1000;
  const leftSeconds = Math.max(0, Math.trunc(((elapsedMs / current) * (total - current)) / 1000));
  return formatDuration(BigInt(leftSeconds) * 1_000_000_000n);
}
