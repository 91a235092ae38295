/** Words of a Dockerfile: quotes, backslashes and variables, as its reference describes them under "Environment replacement". */
import { invalidChange } from "./instructions.ts";

export type Variables = ReadonlyMap<string, string>;

/** Splits at blanks that are neither quoted nor escaped; quotes and backslashes stay. */
export function splitWords(text: string): string[] {
  return text.match(/(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|[^\s\\]|\\$)+/gs) ?? [];
}

/**
 * What a word means: without its quotes and with variables replaced. One that is not set is empty.
 *
 * @throws `invalid-parameter` for quotes or braces that do not end
 */
export function expandWord(word: string, variables: Variables): string {
  return new Expansion(word, variables).run();
}

/** `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:+alternative}`, and the latter two without the colon. */
const VARIABLE = /^\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+])([^}]*))?\})/;

class Expansion {
  readonly #text: string;
  readonly #variables: Variables;
  #at = 0;

  constructor(text: string, variables: Variables) {
    this.#text = text;
    this.#variables = variables;
  }

  run(): string {
    let result = "";
    while (this.#at < this.#text.length) result += this.#next();
    return result;
  }

  #next(): string {
    const character = this.#text[this.#at];
    if (character === "'") return this.#singleQuoted();
    if (character === '"') return this.#doubleQuoted();
    if (character === "$") return this.#variable();
    if (character !== "\\") return this.#take(1);
    this.#take(1);
    return this.#take(1);
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw unterminated("single-quoted string");
    const content = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return content;
  }

  #doubleQuoted(): string {
    this.#take(1);
    let result = "";
    while (this.#text[this.#at] !== '"') {
      if (this.#at >= this.#text.length) throw unterminated("double-quoted string");
      // Within double quotes a backslash escapes only what would be special there.
      if (/^\\["$\\]/.test(this.#text.slice(this.#at))) this.#take(1);
      else if (this.#text[this.#at] === "$") {
        result += this.#variable();
        continue;
      }
      result += this.#take(1);
    }
    this.#take(1);
    return result;
  }

  #variable(): string {
    const match = VARIABLE.exec(this.#text.slice(this.#at));
    if (!match) {
      if (this.#text[this.#at + 1] === "{") throw invalidChange("unsupported modifier in substitution");
      return this.#take(1);
    }
    this.#at += match[0].length;
    const value = this.#variables.get(match[1] ?? match[2] ?? "");
    const isSet = match[3]?.startsWith(":") ? value !== undefined && value !== "" : value !== undefined;
    const word = () => expandWord(match[4] ?? "", this.#variables);
    if (match[3]?.endsWith("-")) return isSet ? (value ?? "") : word();
    if (match[3]?.endsWith("+")) return isSet ? word() : "";
    return value ?? "";
  }

  #take(count: number): string {
    const taken = this.#text.slice(this.#at, this.#at + count);
    this.#at += count;
    return taken;
  }
}

function unterminated(what: string) {
  return invalidChange(`unexpected end of statement while looking for matching ${what}`);
}
