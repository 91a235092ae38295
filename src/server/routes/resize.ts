import { invalid } from "../errors.ts";
import type { Query } from "../query.ts";

// Docker reads 32 bits; the kernel's winsize holds 16.
const MAX_CELLS = 0xffff;

/** The `h` and `w` of a terminal, both required. */
export function resizeOf(query: Query): { width: number; height: number } {
  return { height: cells("height", query.text("h")), width: cells("width", query.text("w")) };
}

function cells(side: "height" | "width", text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw invalid(`invalid resize ${side} ${JSON.stringify(text)}: invalid syntax`);
  if (Number(text) > MAX_CELLS) throw invalid(`invalid resize ${side} ${JSON.stringify(text)}: value out of range`);
  return Number(text);
}
