import { constants } from "node:os";
import { invalidSignal, unknownSignal } from "./errors.ts";

const LAST_SIGNAL = 64;
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** The number of a signal by name (with or without SIG, any case, `RTMIN+3`) or number. @throws `invalid-parameter` */
export function parseSignal(text: string): number {
  const number = find(text);
  if (number === undefined && Number(text) > 0) throw unknownSignal(text);
  if (number === undefined) throw invalidSignal(text);
  return number;
}

function find(text: string): number | undefined {
  if (/^\d{1,3}$/.test(text)) {
    const number = Number(text);
    return number > 0 && number <= LAST_SIGNAL ? number : undefined;
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (!realTime) return (constants.signals as Record<string, number>)[`SIG${name}`];
  const offset = Number(realTime[3] ?? 0) * (realTime[2] === "-" ? -1 : 1);
  const number = (realTime[1] === "MIN" ? SIGRTMIN : SIGRTMAX) + offset;
  return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined;
}
