/** The daemon: configuration, the composition root, and the life of the process. */
export { runDaemon } from "./run-daemon.ts";
