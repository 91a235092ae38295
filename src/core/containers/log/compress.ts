/**
 * Compression of rotated files. Names of a log are the monitor's: what was compressed is left beside under the name of its identity
 * (`path.IDENTITY.gz`), and the next rotation puts it into the place of the file that it was. So neither ever waits for the other,
 * and the newest rotated file stays plain for a while.
 */
import { readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { identityOf, plainRotatedPaths } from "./files.ts";
import { compressFile } from "./gzip.ts";

const READY = /^\d+-\d+\.gz$/;
const UNFINISHED = ".compressing";

/** Compresses what rotation has left of a log, and removes what was compressed of files that are gone. */
export async function compressRotated(path: string, signal: AbortSignal): Promise<void> {
  const wanted = new Set<string>();
  for (const rotated of await plainRotatedPaths(path)) {
    if (signal.aborted) return;
    const identity = await identityOf(rotated);
    if (identity === undefined) continue;
    wanted.add(`${basename(path)}.${identity}.gz`);
    await compressOne(path, rotated, identity);
  }
  await removeStale(path, wanted);
}

/** Rotation may take the file meanwhile: its identity tells whether it was read. */
async function compressOne(path: string, rotated: string, identity: string): Promise<void> {
  const ready = `${path}.${identity}.gz`;
  if ((await names(path)).includes(basename(ready))) return;
  const unfinished = `${ready}${UNFINISHED}`;
  try {
    await compressFile({ from: rotated, to: unfinished }, identity);
    if ((await identityOf(rotated)) === identity) await rename(unfinished, ready);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function removeStale(path: string, wanted: ReadonlySet<string>): Promise<void> {
  const prefix = `${basename(path)}.`;
  const stale = (await names(path)).filter(
    (name) =>
      name.startsWith(prefix) &&
      !wanted.has(name) &&
      (READY.test(name.slice(prefix.length)) || name.endsWith(UNFINISHED)),
  );
  await Promise.all(stale.map((name) => rm(join(dirname(path), name), { force: true })));
}

async function names(path: string): Promise<string[]> {
  return await readdir(dirname(path)).catch(() => []);
}
