/** The daemon: configuration, the composition root, and the life of the process. */
export { loadRegistryProgram } from "./load-registry-program.ts";
export type { Release } from "./release.ts";
export { runDaemon } from "./run-daemon.ts";
