import { EngineError } from "#lib/errors";
import { ELSEWHERE, type Flag, OPTIONS, type Option } from "./options.ts";

/** What was said, by flag. Values are still text, but for switches. */
export type Settings = ReadonlyMap<Flag, SettingValue>;
export type SettingValue = string | boolean | readonly string[];

/** Reads a command line. @throws `invalid-parameter` in the words of Docker's own parser */
export function parseFlags(argv: readonly string[]): Settings {
  const settings = new Map<Flag, SettingValue>();
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith("-") || word === "-") throw invalid(`unknown command: tugd ${word}`);
    const { option, value } = readWord(word, rest);
    add(settings, option, value);
  }
  return settings;
}

/** Reads a configuration file. @throws `invalid-parameter` */
export function parseConfigFile(text: string): Settings {
  const document = withoutGroups(parseJson(text));
  const unknown = Object.keys(document).filter((key) => !OPTIONS.some((option) => keyOf(option) === key));
  if (unknown.length > 0) throw unknownKeys(unknown);
  const settings = new Map<Flag, SettingValue>();
  for (const [key, value] of Object.entries(document)) {
    const option = OPTIONS.find((known) => keyOf(known) === key);
    if (option && value !== null) settings.set(option.flag, fromJson(option, key, value));
  }
  return settings;
}

/** Both together. @throws `invalid-parameter` for what both say, as dockerd */
export function mergeSettings(flags: Settings, file: Settings): Settings {
  const conflicts = [...file.keys()].filter((flag) => flags.has(flag));
  if (conflicts.length > 0) {
    const list = conflicts.map((flag) => {
      const key = keyOf(OPTIONS.find((option) => option.flag === flag) as Option) ?? flag;
      return `${key}: (from flag: ${shown(flags.get(flag))}, from file: ${shown(file.get(flag))})`;
    });
    throw invalid(
      `the following directives are specified both as a flag and in the configuration file: ${list.join(", ")}`,
    );
  }
  return new Map([...file, ...flags]);
}

function readWord(word: string, rest: string[]): { option: Option; value: string | undefined } {
  const equals = word.indexOf("=");
  const name = equals < 0 ? word : word.slice(0, equals);
  const inline = equals < 0 ? undefined : word.slice(equals + 1);
  const option = name.startsWith("--") ? findLong(name.slice(2)) : findShort(name, word);
  // `-Hunix://…`: a short flag with its value attached.
  const attached = !name.startsWith("--") && word.length > 2 && word[2] !== "=" ? word.slice(2) : inline;
  if (option.kind === "boolean") return { option, value: attached };
  const value = attached ?? rest.shift();
  if (value === undefined) throw invalid(`flag needs an argument: ${name}`);
  return { option, value };
}

function findLong(name: string): Option {
  const option = OPTIONS.find((known) => known.flag === name);
  if (option) return option;
  const reason = ELSEWHERE[name];
  throw invalid(reason ? `flag --${name} is dockerd's and has no meaning here: ${reason}` : `unknown flag: --${name}`);
}

function findShort(name: string, word: string): Option {
  const option = OPTIONS.find((known: Option) => known.short === name[1]);
  if (!option) throw invalid(`unknown shorthand flag: '${name[1]}' in ${word}`);
  return option;
}

function add(settings: Map<Flag, SettingValue>, option: Option, value: string | undefined): void {
  const flag = option.flag as Flag;
  switch (option.kind) {
    case "boolean":
      settings.set(flag, parseBoolean(flag, value ?? "true"));
      break;
    case "list":
    case "map":
      settings.set(flag, [...((settings.get(flag) as readonly string[]) ?? []), value ?? ""]);
      break;
    default:
      settings.set(flag, value ?? "");
  }
}

function parseBoolean(flag: string, text: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw invalid(
    `invalid argument "${text}" for "--${flag}" flag: strconv.ParseBool: parsing "${text}": invalid syntax`,
  );
}

function parseJson(text: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = text.trim() === "" ? {} : JSON.parse(text);
  } catch (cause) {
    throw invalid(`invalid JSON: ${(cause as Error).message}`);
  }
  if (typeof document !== "object" || document === null || Array.isArray(document))
    throw invalid("invalid JSON: not an object");
  return document as Record<string, unknown>;
}

/** dockerd has its three proxy options in a group of their own. */
function withoutGroups({ proxies, ...document }: Record<string, unknown>): Record<string, unknown> {
  if (proxies === undefined || proxies === null) return document;
  if (typeof proxies !== "object" || Array.isArray(proxies))
    throw invalid('configuration option "proxies" has to be a map');
  return { ...document, ...proxies };
}

function unknownKeys(keys: readonly string[]): EngineError {
  const reasons = keys.flatMap((key) => (ELSEWHERE[key] ? [`${key}: ${ELSEWHERE[key]}`] : []));
  const detail = reasons.length > 0 ? ` (${reasons.join("; ")})` : "";
  return invalid(`the following directives don't match any configuration option: ${keys.join(", ")}${detail}`);
}

function fromJson(option: Option, key: string, value: unknown): SettingValue {
  const isRight = {
    string: typeof value === "string" || typeof value === "number",
    boolean: typeof value === "boolean",
    number: typeof value === "number",
    list: Array.isArray(value) ? value.every((item) => typeof item === "string") : typeof value === "string",
    map: typeof value === "object" && !Array.isArray(value),
  }[option.kind];
  if (!isRight) throw invalid(`configuration option "${key}" has to be a ${option.kind}`);
  switch (option.kind) {
    case "boolean":
      return value as boolean;
    case "list":
      return typeof value === "string" ? [value] : (value as string[]);
    case "map":
      return Object.entries(value as object).map(([name, item]) => `${name}=${mapItem(key, item)}`);
    default:
      return String(value);
  }
}

/** Values of maps: text, or the objects that dockerd has for runtimes and ulimits. */
function mapItem(key: string, item: unknown): string {
  if (typeof item !== "object" || item === null) return String(item);
  return key === "default-ulimits" ? ulimitText(item as Record<string, unknown>) : JSON.stringify(item);
}

function ulimitText(item: Record<string, unknown>): string {
  const soft = item.Soft ?? item.soft;
  return `${soft}:${item.Hard ?? item.hard ?? soft}`;
}

/** Proxies may have a password in their address. */
function shown(value: SettingValue | undefined): string {
  const text = Array.isArray(value) ? `[${value.join(" ")}]` : String(value);
  return text.replace(/:\/\/[^/@]*@/g, "://xxxxx:xxxxx@");
}

function keyOf(option: Option): string | undefined {
  return option.key;
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
