/** How much of a log is kept in files, which is also how much may wait for a sink that is down. */
import { messageOf } from "#lib/errors";
import { refused } from "../../errors.ts";
import type { Options } from "./subject.ts";
import { optional, parseBool, parseHumanSize, parseInteger } from "./values.ts";

export interface Spool {
  /** Of one file; 0: no limit. */
  readonly maxBytes: number;
  /** The one that is written included. */
  readonly maxFiles: number;
  /** Whether rotated files are compressed. */
  readonly compress: boolean;
}

/** What a log takes in all when nobody said how much: enough to look back, too little to fill a disk. */
const DEFAULT_TOTAL_BYTES = 100_000_000;
const DEFAULT_FILES = 5;
/** Docker's own defaults of `local`. */
const LOCAL: Spool = { maxBytes: 20 * 1024 * 1024, maxFiles: 5, compress: true };
/** Docker has no word for it, since there it is the default. */
const NO_LIMIT = "-1";

/** Of the driver json-file. Size and number of files mean what Docker means by them; only saying nothing means something else. */
export function jsonFileSpool(options: Options): Spool {
  const size = options["max-size"];
  const maxFiles = optional(options["max-file"], parseInteger) ?? (size === undefined ? DEFAULT_FILES : 1);
  if (maxFiles < 1) throw refused("max-file cannot be less than 1");
  const maxBytes = size === undefined ? Math.floor(DEFAULT_TOTAL_BYTES / maxFiles) : jsonFileSize(size);
  const compress = optional(options.compress, parseBool) ?? (size === undefined && maxFiles > 1);
  if (compress && (maxFiles === 1 || maxBytes === 0)) {
    throw refused("compress cannot be true when max-file is less than 2 or max-size is not set");
  }
  return { maxBytes, maxFiles, compress };
}

function jsonFileSize(text: string): number {
  if (text === NO_LIMIT) return 0;
  const bytes = parseHumanSize(text);
  if (bytes <= 0) throw refused("max-size must be a positive number");
  return bytes;
}

/** Of the driver local. */
export function localSpool(options: Options): Spool {
  const maxBytes = optional(options["max-size"], about("max-size", parseHumanSize)) ?? LOCAL.maxBytes;
  const maxFiles = optional(options["max-file"], about("max-file", parseInteger)) ?? LOCAL.maxFiles;
  const compress = optional(options.compress, compressOf) ?? LOCAL.compress;
  if (maxFiles < 0) throw refused("max file count cannot be less than 0");
  if (compress && maxFiles <= 1) throw refused("compression cannot be enabled when max file count is 1");
  return { maxBytes, maxFiles: Math.max(1, maxFiles), compress };
}

/** Of the drivers that send: Docker's cache for `logs`, which here is what is sent from as well. */
export function cacheSpool(options: Options): Spool {
  const renamed = Object.entries(options).map(([key, value]) => [key.replace(/^cache-/, ""), value, key] as const);
  return localSpool(Object.fromEntries(renamed.filter(([key, , before]) => key !== before)));
}

function about<T>(key: string, parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (cause) {
      throw refused(`invalid value for ${key}: ${text}: ${messageOf(cause)}`);
    }
  };
}

function compressOf(text: string): boolean {
  try {
    return parseBool(text);
  } catch (cause) {
    throw refused(`error reading compress log option: ${messageOf(cause)}`);
  }
}
