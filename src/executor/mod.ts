/** The only code that starts `tug-exec`: ops, how they are encoded, and who runs them. */
export type * from "./executor.ts";
export type * from "./ops.ts";
