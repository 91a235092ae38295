export type * from "./container.ts";
export type * from "./containers.ts";
