/** Concurrency: locks by key, turns, background work that is joined at shutdown. */
export { Background } from "./background.ts";
export { KeyedLock } from "./keyed-lock.ts";
export { nextTurn } from "./next-turn.ts";
export { SharedWork } from "./shared-work.ts";
export { Slots } from "./slots.ts";
export { together } from "./together.ts";
