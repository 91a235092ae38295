import type { PathStat } from "#core/containers";

const [S_IFMT, S_ISUID, S_ISGID, S_ISVTX] = [0o170000, 0o4000, 0o2000, 0o1000];

/** Bits of Go's `os.FileMode`, by file type. */
const TYPES: Readonly<Record<number, number>> = {
  9604: 2 ** 31,
  21609: 2 ** 27,
  14406: 2 ** 26,
  2401: 2 ** 25,
  26411: 2 ** 24,
  4802: 2 ** 26 + 2 ** 21,
};

/** What goes, as base64, into the header `X-Docker-Container-Path-Stat`. */
export function pathStatHeader(stat: PathStat): string {
  const { name, size, mode, modifiedAt: mtime, linkTarget } = stat;
  return Buffer.from(JSON.stringify({ name, size, mode: goMode(mode), mtime, linkTarget })).toString("base64");
}

/** The mode as Go numbers its bits. Sums, since the highest bit is a sign to JavaScript's operators. */
function goMode(mode: number): number {
  const special = (mode & S_ISUID ? 2 ** 23 : 0) + (mode & S_ISGID ? 2 ** 22 : 0) + (mode & S_ISVTX ? 2 ** 20 : 0);
  return (TYPES[mode & S_IFMT] ?? 0) + special + (mode & 0o777);
}
