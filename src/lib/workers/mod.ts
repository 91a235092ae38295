/** Work beside the main thread: jobs, the threads that do them, and how bytes get there. */
export type { Job, JobIo, RunOptions, Workers } from "./job.ts";
export { createLocalWorkers } from "./local.ts";
export { serveJobs } from "./serve.ts";
export { createThreads, type ThreadOptions } from "./threads.ts";
