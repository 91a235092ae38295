/** The program of the threads that the tests of this module start. */
import { TEST_JOBS } from "./_testing.ts";
import { serveJobs } from "./serve.ts";

serveJobs(TEST_JOBS);
