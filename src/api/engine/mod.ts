/** The Docker Engine API: types of version 1.51, generated from its swagger file. */
export type * from "./types.ts";
