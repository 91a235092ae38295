/** No machine has more; it bounds what a hostile list makes us count. */
const NUMBER_LIMIT = 8192;

/** The numbers in a list like `0-3,8` (cpuset(7), "List format"); undefined if it is malformed. */
export function cpuList(text: string): Set<number> | undefined {
  const numbers = new Set<number>();
  for (const part of text.trim().split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (!match) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? first);
    if (last < first || last > NUMBER_LIMIT) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return numbers;
}
