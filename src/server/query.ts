import { EngineError } from "#lib/errors";
import { invalid } from "./errors.ts";

const FALSE = new Set(["", "0", "no", "false", "none"]);

/** The parameters of a request, read by the rules of Docker's daemon (engine-api notes 1). */
export class Query {
  readonly #values: URLSearchParams;

  /** @throws EngineError `invalid-parameter` for a `%` that is followed by no two digits */
  constructor(text: string) {
    const bad = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(text)?.[0];
    if (bad !== undefined) throw invalid(`invalid URL escape ${JSON.stringify(bad)}`);
    this.#values = new URLSearchParams(text);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The first value; empty when there is none. */
  text(name: string): string {
    return this.#values.get(name) ?? "";
  }

  /** Every value of a parameter that may be repeated. */
  all(name: string): string[] {
    return this.#values.getAll(name);
  }

  /** Empty, `0`, `no`, `false` and `none` are false, anything else is true. */
  flag(name: string, absent = false): boolean {
    const value = this.#values.get(name);
    return value === null ? absent : !FALSE.has(value.trim().toLowerCase());
  }

  /**
   * A whole number; undefined when absent or empty.
   *
   * @throws EngineError `internal` with Go's words, as Docker's daemon answers
   */
  integer(name: string): number | undefined {
    const value = this.text(name);
    return value === "" ? undefined : parseInteger(value);
  }
}

function parseInteger(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) {
    throw new EngineError("internal", `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw new EngineError("internal", `strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`);
  }
  return value;
}
