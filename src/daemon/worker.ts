/** The program of a worker thread: what the daemon's threads can do. */
import { IMAGE_JOBS } from "#core/images";
import { SNAPSHOT_JOBS } from "#core/snapshots";
import { serveJobs } from "#lib/workers";

serveJobs([...SNAPSHOT_JOBS, ...IMAGE_JOBS]);
