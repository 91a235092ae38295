import { isAbsolute } from "node:path";
import { EngineError } from "#lib/errors";
import { parseDuration } from "#lib/time";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a part of a configuration document, key by key. Whatever is wrong is told with the path of its key: `access.rules[1].actions`. A key that
 * nobody asked for is an error, too, when `end` is called.
 */
export class SettingsReader {
  readonly #fields: Fields;
  readonly #path: string;
  readonly #known = new Set<string>();

  /** @throws `invalid-parameter` when `value` is no object */
  constructor(value: unknown, path = "") {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(path, "has to be an object");
    this.#fields = value as Fields;
    this.#path = path;
  }

  has(key: string): boolean {
    return this.#take(key) !== undefined;
  }

  isObject(key: string): boolean {
    const value = this.#take(key);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  }

  /** Whether an object is there that has a certain key. */
  hasWithin(key: string, inner: string): boolean {
    return this.isObject(key) && Object.hasOwn(this.#take(key) as object, inner);
  }

  text(key: string): string | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    // A port or a version that YAML takes for a number.
    if (typeof value === "number") return String(value);
    if (typeof value !== "string" || value === "") throw this.#wrong(key, "has to be a text");
    return value;
  }

  requiredText(key: string): string {
    const value = this.text(key);
    if (value === undefined) throw this.#wrong(key, "is missing");
    return value;
  }

  boolean(key: string): boolean | undefined {
    const value = this.#take(key);
    if (value !== undefined && typeof value !== "boolean") throw this.#wrong(key, "has to be true or false");
    return value;
  }

  whole(key: string, limits: { readonly least: number; readonly most: number }): number | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !Number.isInteger(value) || value < limits.least || value > limits.most) {
      throw this.#wrong(key, `has to be a whole number from ${limits.least} to ${limits.most}`);
    }
    return value;
  }

  oneOf<const T extends string>(key: string, words: readonly T[]): T | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    const word = words.find((known) => known === plainWord(value));
    if (word === undefined) throw this.#wrong(key, `${shown(value)} is none of ${words.join(", ")}`);
    return word;
  }

  /** `90s`, `12h`, `30d`; in milliseconds. */
  durationMs(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const days = /^(\d+)d$/.exec(text)?.[1];
    const nano = parseDuration(days === undefined ? text : `${Number(days) * 24}h`);
    if (nano === undefined || nano < 0n) throw this.#wrong(key, `"${text}" is no duration, such as 90s, 12h or 30d`);
    return Number(nano / 1_000_000n);
  }

  /** `500MB`, `10GiB`, both by 1024 as everywhere in Docker. */
  bytes(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const match = /^(\d+(?:\.\d+)?) ?([kmgt]?)i?b?$/i.exec(text);
    if (match === null) throw this.#wrong(key, `"${text}" is no size, such as 500MB or 10GB`);
    return Math.floor(Number(match[1]) * 1024 ** ["", "k", "m", "g", "t"].indexOf((match[2] ?? "").toLowerCase()));
  }

  /** @throws for a path that is not absolute: nobody knows relative to what it would be */
  path(key: string): string | undefined {
    const text = this.text(key);
    if (text !== undefined && !isAbsolute(text)) throw this.#wrong(key, `"${text}" has to be an absolute path`);
    return text;
  }

  /** An address that begins with `http://` or `https://`, without slashes at the end. */
  url(key: string): string | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    if (!/^https?:\/\/./.test(text) || !URL.canParse(text))
      throw this.#wrong(key, "has to be an http or https address");
    return text.replace(/\/+$/, "");
  }

  /** A list of texts; one text alone is a list of one. */
  texts(key: string): readonly string[] | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    const list = typeof value === "string" ? [value] : value;
    if (!Array.isArray(list) || !list.every((item) => typeof item === "string" && item !== "")) {
      throw this.#wrong(key, "has to be a list of texts");
    }
    return list as string[];
  }

  /** A list of words of a closed set; empty when it is left out. */
  words<const T extends string>(key: string, words: readonly T[]): readonly T[] {
    const stray = this.texts(key)?.find((text) => !words.some((word) => word === text));
    if (stray !== undefined) throw this.#wrong(key, `has "${stray}", which is none of ${words.join(", ")}`);
    return (this.texts(key) ?? []) as readonly T[];
  }

  /** Each member of a list of objects. */
  objects<T>(key: string, read: (reader: SettingsReader) => T): readonly T[] | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw this.#wrong(key, "has to be a list");
    return value.map((item, index) => complete(new SettingsReader(item, `${this.#pathOf(key)}[${index}]`), read));
  }

  object<T>(key: string, read: (reader: SettingsReader) => T): T | undefined {
    const value = this.#take(key);
    return value === undefined ? undefined : complete(new SettingsReader(value, this.#pathOf(key)), read);
  }

  /** An object whose keys are the user's own names. */
  map<T>(key: string, read: (reader: SettingsReader, name: string) => T): ReadonlyMap<string, T> | undefined {
    return this.object(key, (members) => new Map(members.#names().map((name) => [name, read(members, name)])));
  }

  /** @throws `invalid-parameter` for a key that means nothing */
  end(): void {
    const stray = Object.keys(this.#fields).find((key) => !this.#known.has(key));
    if (stray === undefined) return;
    throw this.#wrong(stray, `has no meaning here: one of ${[...this.#known].sort().join(", ")}`);
  }

  /** For rules over several keys. */
  refuse(key: string, reason: string): EngineError {
    return this.#wrong(key, reason);
  }

  #names(): string[] {
    return Object.keys(this.#fields);
  }

  #take(key: string): unknown {
    this.#known.add(key);
    const value = Object.hasOwn(this.#fields, key) ? this.#fields[key] : undefined;
    return value ?? undefined;
  }

  #wrong(key: string, reason: string): EngineError {
    return wrong(this.#pathOf(key), reason);
  }

  #pathOf(key: string): string {
    return this.#path === "" ? key : `${this.#path}.${key}`;
  }
}

/** Reads all of a document. @throws `invalid-parameter` */
export function complete<T>(reader: SettingsReader, read: (reader: SettingsReader) => T): T {
  const result = read(reader);
  reader.end();
  return result;
}

/** YAML 1.1 habits: `off` and `on` mean themselves where words are wanted. */
function plainWord(value: unknown): unknown {
  return value === false ? "off" : value;
}

function shown(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : "this";
}

function wrong(path: string, reason: string): EngineError {
  return new EngineError("invalid-parameter", path === "" ? `the document ${reason}` : `${path} ${reason}`);
}
