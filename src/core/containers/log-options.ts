import type { HostConfig } from "#api/engine";
import { messageOf } from "#lib/errors";
import { refused } from "./errors.ts";
import { cacheSpool, jsonFileSpool, localSpool, type Spool } from "./log/options/spool.ts";
import {
  attributesOf,
  expandTag,
  type LogSubject,
  type Options,
  validateSubjectOptions,
} from "./log/options/subject.ts";
import { optional, parseBool, parseMemorySize } from "./log/options/values.ts";
import { remoteDrivers } from "./log/ship/drivers.ts";

type LogConfig = NonNullable<HostConfig["LogConfig"]>;

/** How a container's output is kept. */
export interface LogOptions {
  /** 0: no limit. */
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** Attributes for every record, as JSON text; empty: none. */
  readonly attributes: string;
}

/** What `info` lists: the drivers that there are, but for `none`. */
export const LOG_DRIVERS: readonly string[] = ["json-file", "local", ...Object.keys(remoteDrivers)].sort();

const FILE_OPTIONS = ["max-file", "max-size", "compress"];
const SUBJECT_OPTIONS = ["labels", "labels-regex", "env", "env-regex", "tag"];
/** Docker takes them with any driver: how output is handed over, and what is kept for `logs` of drivers that send it away. */
const GENERAL_OPTIONS = [
  "mode",
  "max-buffer-size",
  "cache-disabled",
  "cache-max-size",
  "cache-max-file",
  "cache-compress",
];

/** @throws `invalid-parameter` for an unknown driver or option, or a value that cannot act */
export function validateLogConfig(config: LogConfig): void {
  const driver: string = config.Type ?? "";
  const options = config.Config ?? {};
  if (driver === "none") return;
  validateMode(options);
  if (!LOG_DRIVERS.includes(driver)) {
    throw refused(`error looking up logging plugin ${driver}: plugin "${driver}" not found`);
  }
  const known = [...GENERAL_OPTIONS, ...ownOptions(driver)];
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) throw refused(unknownOption(driver, unknown));
  remoteDrivers[driver]?.validate(options);
  if (driver !== "local") validateSubjectOptions(options);
  spoolOf(config);
  validateCache(options);
}

/** What the monitor is told; undefined with the driver `none`. */
export function logOptions(config: LogConfig, subject: LogSubject): LogOptions | undefined {
  if (config.Type === "none") return undefined;
  const { maxBytes, maxFiles } = spoolOf(config);
  return { maxBytes, maxFiles, attributes: config.Type === "json-file" ? recordAttributes(config, subject) : "" };
}

/** How much of a log is kept in its files. @throws `invalid-parameter` */
export function spoolOf({ Type: driver, Config: options = {} }: LogConfig): Spool {
  if (driver === "json-file") return jsonFileSpool(options);
  return driver === "local" ? localSpool(options) : cacheSpool(options);
}

/** Whether `logs` may show it. Docker reads back what drivers send away from a cache, which can be switched off. */
export function isReadable({ Type, Config: options = {} }: LogConfig): boolean {
  const driver: string = Type ?? "";
  if (driver === "none") return false;
  return !(driver in remoteDrivers) || driver === "journald" || !isCacheDisabled(options);
}

function isCacheDisabled(options: Options): boolean {
  return optional(options["cache-disabled"], parseBool) ?? false;
}

function ownOptions(driver: string): readonly string[] {
  if (driver === "local") return FILE_OPTIONS;
  return [...SUBJECT_OPTIONS, ...(driver === "json-file" ? FILE_OPTIONS : (remoteDrivers[driver]?.options ?? []))];
}

/** Each driver of Docker has its own way to say it. */
function unknownOption(driver: string, key: string): string {
  if (driver === "local") return `unknown log opt '${key}' for log driver local`;
  return `unknown log opt ${driver === "gelf" ? `"${key}"` : `'${key}'`} for ${driver} log driver`;
}

/**
 * The mode says whether a container waits when its log cannot be written. Output goes to a file and from there wherever it is sent, so
 * that nobody ever waits for a sink, and no buffer is needed whose overflow would be dropped: both modes are the same here.
 */
function validateMode(options: Options): void {
  const mode = options.mode ?? "";
  if (!["", "blocking", "non-blocking"].includes(mode)) throw refused(`logger: logging mode not supported: ${mode}`);
  const size = options["max-buffer-size"];
  if (size === undefined) return;
  if (mode !== "non-blocking") {
    throw refused("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  try {
    parseMemorySize(size);
  } catch (cause) {
    throw refused(`error parsing option max-buffer-size: ${messageOf(cause)}`);
  }
}

function validateCache(options: Options): void {
  try {
    isCacheDisabled(options);
  } catch {
    throw refused(`invalid value for option cache-disabled: ${options["cache-disabled"]}`);
  }
}

function recordAttributes({ Config: options = {} }: LogConfig, subject: LogSubject): string {
  const tag = expandTag(options, subject, "");
  const attributes = { ...attributesOf(options, subject), ...(tag ? { tag } : {}) };
  const entries = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length > 0 ? JSON.stringify(Object.fromEntries(entries)) : "";
}
