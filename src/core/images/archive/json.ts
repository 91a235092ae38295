import { messageOf } from "#lib/errors";
import { invalidArchive } from "../errors.ts";

/** What an archive says, checked only as far as it is asked. `what` names it in errors. */
export class JsonValue {
  readonly #value: unknown;
  readonly #what: string;

  constructor(value: unknown, what: string) {
    this.#value = value;
    this.#what = what;
  }

  static parse(bytes: Uint8Array, what: string): JsonValue {
    try {
      return new JsonValue(JSON.parse(new TextDecoder().decode(bytes)), what);
    } catch (error) {
      throw invalidArchive(`invalid ${what}: ${messageOf(error)}`);
    }
  }

  get isAbsent(): boolean {
    return this.#value === undefined || this.#value === null;
  }

  /** A field; absent when there is none. */
  get(name: string): JsonValue {
    const fields = this.record();
    return new JsonValue(Object.hasOwn(fields, name) ? fields[name] : undefined, `${this.#what}, ${name}`);
  }

  string(): string {
    if (typeof this.#value !== "string") throw this.#wrong("a string");
    return this.#value;
  }

  optionalString(): string | undefined {
    return this.isAbsent ? undefined : this.string();
  }

  /** A number of bytes. */
  size(): number {
    if (!Number.isSafeInteger(this.#value) || (this.#value as number) < 0) throw this.#wrong("a size");
    return this.#value as number;
  }

  /** The items of a list; of an absent one, none. */
  list(): JsonValue[] {
    if (this.isAbsent) return [];
    if (!Array.isArray(this.#value)) throw this.#wrong("a list");
    return this.#value.map((item, index) => new JsonValue(item, `${this.#what}[${index}]`));
  }

  strings(): string[] {
    return this.list().map((item) => item.string());
  }

  record(): Record<string, unknown> {
    if (typeof this.#value !== "object" || this.#value === null || Array.isArray(this.#value)) {
      throw this.#wrong("an object");
    }
    return this.#value as Record<string, unknown>;
  }

  entries(): [string, JsonValue][] {
    return Object.entries(this.record()).map(([key, value]) => [key, new JsonValue(value, `${this.#what}, ${key}`)]);
  }

  #wrong(expected: string) {
    return invalidArchive(`invalid ${this.#what}: not ${expected}`);
  }
}
