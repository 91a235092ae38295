/** Resource limits by the kernel's number (asm-generic/resource.h), named as `ulimit` options name them. */
export const RLIMITS = [
  "cpu",
  "fsize",
  "data",
  "stack",
  "core",
  "rss",
  "nproc",
  "nofile",
  "memlock",
  "as",
  "locks",
  "sigpending",
  "msgqueue",
  "nice",
  "rtprio",
  "rttime",
] as const;

/** The number of `RLIMIT_NOFILE` or `nofile`; undefined if there is none of that name. */
export function rlimitNumber(name: string): number | undefined {
  const short = name.replace(/^RLIMIT_/, "").toLowerCase();
  const found = RLIMITS.indexOf(short as (typeof RLIMITS)[number]);
  return found < 0 ? undefined : found;
}
