import { RE2JS } from "re2js";
import type { ContainerConfig, HostConfig } from "#api/engine";
import { refused } from "./errors.ts";

type LogConfig = NonNullable<HostConfig["LogConfig"]>;

/** How a container's output is kept. */
export interface LogOptions {
  /** 0: no limit. */
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** Attributes for every record, as JSON text; empty: none. */
  readonly attributes: string;
}

/** The container whose output it is: what `tag`, `labels` and `env` speak of. */
export interface LogSubject {
  readonly id: string;
  readonly name: string;
  readonly imageID: string;
  readonly imageName: string;
  readonly config: ContainerConfig;
  readonly argv: readonly string[];
}

const JSON_FILE_OPTIONS = ["max-file", "max-size", "compress", "labels", "labels-regex", "env", "env-regex", "tag"];
/** Docker's `local` keeps 5 files of 20 MB; it stores them as it likes, so here in the same format as json-file. */
const LOCAL = { maxBytes: 20 * 1024 * 1024, maxFiles: 5 };

/** @throws `invalid-parameter` for an unknown driver or option, or a value that cannot act */
export function validateLogConfig(config: LogConfig): void {
  const driver = config.Type ?? "";
  const options = config.Config ?? {};
  if (!["json-file", "local", "none"].includes(driver)) {
    throw refused(`error looking up logging plugin ${driver}: plugin "${driver}" not found`);
  }
  const known = driver === "json-file" ? JSON_FILE_OPTIONS : driver === "local" ? JSON_FILE_OPTIONS.slice(0, 3) : [];
  for (const key of Object.keys(options)) {
    if (["mode", "max-buffer-size"].includes(key)) validateMode(key, options[key] ?? "");
    else if (!known.includes(key)) throw refused(`unknown log opt '${key}' for ${driver} log driver`);
  }
  sizesOf(config);
  for (const key of ["labels-regex", "env-regex"]) compile(key, options[key]);
  if (options.compress !== undefined && options.compress !== "false") {
    throw refused(
      `log option "compress": rotated files are not compressed by this engine: leave it out or say "false"`,
    );
  }
  if (options.tag) expandTag(options.tag, { id: "", name: "", imageID: "", imageName: "", config: {}, argv: [] });
}

/** What the monitor is told; undefined with the driver `none`. */
export function logOptions(config: LogConfig, subject: LogSubject): LogOptions | undefined {
  if (config.Type === "none") return undefined;
  const attributes = config.Type === "json-file" ? attributesOf(config.Config ?? {}, subject) : {};
  return {
    ...sizesOf(config),
    attributes: Object.keys(attributes).length > 0 ? JSON.stringify(attributes) : "",
  };
}

function sizesOf(config: LogConfig): { maxBytes: number; maxFiles: number } {
  const options = config.Config ?? {};
  const base = config.Type === "local" ? LOCAL : { maxBytes: 0, maxFiles: 1 };
  const maxBytes = options["max-size"] === undefined ? base.maxBytes : parseSize(options["max-size"]);
  const maxFiles = options["max-file"] === undefined ? base.maxFiles : parseCount(options["max-file"]);
  return { maxBytes, maxFiles };
}

/** `10m`, `1.5g`, `512`, `64kb`: bytes with a binary unit; -1 is no limit. */
function parseSize(text: string): number {
  if (text === "-1") return 0;
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text);
  if (!match) throw refused(`invalid value for log option "max-size": invalid size: '${text}'`);
  const power = ["", "k", "m", "g", "t", "p"].indexOf((match[2] ?? "").toLowerCase());
  const bytes = Math.floor(Number(match[1]) * 1024 ** power);
  if (bytes <= 0) throw refused(`invalid value for log option "max-size": must be a positive size: '${text}'`);
  return bytes;
}

function parseCount(text: string): number {
  const count = /^\+?\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(count)) throw refused(`invalid value for log option "max-file": '${text}' is no number`);
  if (count < 1) throw refused("max-file cannot be less than 1");
  return count;
}

/** Delivery modes of Docker: ours never blocks longer than the disk, so only the default is one that acts. */
function validateMode(key: string, value: string): void {
  if (key === "mode" && value === "blocking") return;
  throw refused(`log option "${key}=${value}": this engine delivers logs in mode "blocking" only`);
}

function attributesOf(options: Record<string, string>, subject: LogSubject): Record<string, string> {
  const labels = Object.entries(subject.config.Labels ?? {});
  const env = (subject.config.Env ?? []).map((entry) => splitOnce(entry));
  return Object.fromEntries([
    ...chosen(labels, options.labels, compile("labels-regex", options["labels-regex"])),
    ...chosen(env, options.env, compile("env-regex", options["env-regex"])),
    ...(options.tag ? [["tag", expandTag(options.tag, subject)] as const] : []),
  ]);
}

function chosen(
  entries: readonly (readonly [string, string])[],
  list: string | undefined,
  pattern: RE2JS | undefined,
): readonly (readonly [string, string])[] {
  const names = new Set((list ?? "").split(",").filter(Boolean));
  return entries.filter(([key]) => names.has(key) || pattern?.matcher(key).find());
}

/** As Go's: no pattern takes more than linear time. */
function compile(key: string, pattern: string | undefined): RE2JS | undefined {
  if (!pattern) return undefined;
  try {
    return RE2JS.compile(pattern);
  } catch (cause) {
    throw refused(`invalid value for log option "${key}": ${cause instanceof Error ? cause.message : cause}`);
  }
}

/** Fills in the fields of Docker's log tags. @throws `invalid-parameter` for any other template action */
function expandTag(template: string, subject: LogSubject): string {
  const fields: Record<string, string> = {
    ID: subject.id.slice(0, 12),
    FullID: subject.id,
    Name: subject.name,
    FullName: `/${subject.name}`,
    ImageID: subject.imageID.replace(/^sha256:/, "").slice(0, 12),
    ImageFullID: subject.imageID,
    ImageName: subject.imageName,
    ImageFullName: subject.imageName,
    Command: subject.argv.join(" "),
    DaemonName: "docker",
  };
  return template.replace(/\{\{(.*?)\}\}/g, (action, body: string) => {
    const value = fields[body.trim().replace(/^\./, "")];
    if (value === undefined)
      throw refused(`invalid value for log option "tag": "${action}" is no field of a container`);
    return value;
  });
}

function splitOnce(entry: string): readonly [string, string] {
  const at = entry.indexOf("=");
  return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
}
