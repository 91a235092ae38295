import { indexChainJob, measureImageJob } from "./_index-jobs.ts";

/** What snapshots have done by worker threads. */
export const SNAPSHOT_JOBS = [indexChainJob, measureImageJob];
