/** The program of a worker thread: what the daemon's threads can do. */
import { IMAGE_JOBS } from "#core/images";
import { serveJobs } from "#lib/workers";

serveJobs(IMAGE_JOBS);
