export type * from "./runtime.ts";
export type * from "./types.ts";
