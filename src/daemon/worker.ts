/** The program of a worker thread: what the daemon's threads can do. */
import { IMAGE_JOBS } from "#core/images";
import { SNAPSHOT_JOBS } from "#core/snapshots";
import { serveJobs } from "#lib/workers";

// The executable begins with a policy for commands that soon end (`scripts/dev/build.ts`); a thread has a policy of its own.
Bun.unsafe.setJITPolicy(1);
serveJobs([...SNAPSHOT_JOBS, ...IMAGE_JOBS]);
