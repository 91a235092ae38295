/** Where the executable keeps what it was compiled from: an entry point lies there under its path, built. */
const EMBEDDED = "/$bunfs/root/";

/** The program of worker threads: beside this file, or as `scripts/dev/build.ts` has it compiled in. */
export function workerEntry(): string {
  return import.meta.path.startsWith(EMBEDDED)
    ? `${EMBEDDED}src/daemon/worker.js`
    : new URL("./worker.ts", import.meta.url).href;
}
