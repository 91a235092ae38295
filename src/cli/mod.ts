/** The command line `tug`: a tree of commands over the Engine API's client. */
export type { Io, Release } from "./io.ts";
export { processIo } from "./process-io.ts";
export { runCli } from "./run-cli.ts";
