import { EngineError } from "#lib/errors";
import { parseInteger } from "../flags/flag.ts";

export interface Ulimit {
  readonly Name: string;
  /** −1 for no limit. */
  readonly Hard: number;
  readonly Soft: number;
}

const NAMES = [
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
];

/** `name=soft[:hard]`. */
export function parseUlimit(text: string): Ulimit {
  const equals = text.indexOf("=");
  if (equals < 0) throw invalid(`invalid ulimit argument: ${text}`);
  const name = text.slice(0, equals);
  const limits = text.slice(equals + 1);
  if (!NAMES.includes(name)) throw invalid(`invalid ulimit type: ${name}`);
  const [soft = 0, hard = soft, ...more] = limits.split(":").map(parseInteger);
  if (more.length > 0) {
    throw invalid(`too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``);
  }
  if (hard !== -1 && soft === -1) {
    throw invalid(`ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: ${hard}`);
  }
  if (hard !== -1 && soft > hard) {
    throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { Name: name, Hard: hard, Soft: soft };
}

/** One limit a name, the last given, in the order of names. */
export function mergeUlimits(ulimits: readonly Ulimit[]): Ulimit[] {
  const byName = new Map(ulimits.map((ulimit) => [ulimit.Name, ulimit]));
  return [...byName.values()].sort((a, b) => (a.Name < b.Name ? -1 : 1));
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
