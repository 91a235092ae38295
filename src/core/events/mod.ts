export type * from "./event.ts";
export type * from "./filters.ts";
