import { EngineError, messageOf } from "#lib/errors";
import { quote } from "#lib/template";
import { nearest } from "../suggest.ts";
import type { Flag, FlagTable } from "./flag.ts";

/** A command line taken apart. */
export interface ParsedFlags {
  readonly values: Readonly<Record<string, unknown>>;
  /** The names of the flags that were given, by whatever value. */
  readonly given: ReadonlySet<string>;
  readonly args: readonly string[];
  /** Notes for the user about deprecated flags. */
  readonly warnings: readonly string[];
}

/** Asking for help is no error and ends parsing, as it does for Go's pflag. */
export type ParseOutcome = ParsedFlags | "help";

export interface ParseOptions {
  /** The first argument ends the flags: what follows belongs to another program. */
  readonly stopAtFirstArgument: boolean;
}

/**
 * Parses flags by the rules of pflag: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-abc` for several
 * switches, `--` for the end.
 *
 * @throws EngineError `invalid-parameter` in pflag's words.
 */
export function parseFlags(table: FlagTable, argv: readonly string[], options: ParseOptions): ParseOutcome {
  const parser = new Parser(table, argv);
  return parser.run(options.stopAtFirstArgument);
}

class Parser {
  readonly #table: FlagTable;
  readonly #argv: readonly string[];
  #next = 0;
  readonly #values: Record<string, unknown> = {};
  readonly #given = new Set<string>();
  readonly #args: string[] = [];
  readonly #warnings: string[] = [];

  constructor(table: FlagTable, argv: readonly string[]) {
    this.#table = table;
    this.#argv = argv;
    for (const [name, flag] of Object.entries(table)) this.#values[name] = flag.initial;
  }

  run(stopAtFirstArgument: boolean): ParseOutcome {
    while (this.#next < this.#argv.length) {
      const word = this.#argv[this.#next++]!;
      if (word === "--") break;
      if (word.length < 2 || !word.startsWith("-")) {
        this.#args.push(word);
        if (stopAtFirstArgument) break;
      } else if ((word.startsWith("--") ? this.#long(word) : this.#shorts(word)) === "help") return "help";
    }
    this.#args.push(...this.#argv.slice(this.#next));
    return { values: this.#values, given: this.#given, args: this.#args, warnings: this.#warnings };
  }

  #long(word: string): "help" | undefined {
    const equals = word.indexOf("=");
    const name = word.slice(2, equals < 0 ? undefined : equals);
    if (name === "" || name.startsWith("-")) throw invalid(`bad flag syntax: ${word}`);
    const flag = Object.hasOwn(this.#table, name) ? this.#table[name] : undefined;
    if (flag === undefined) {
      if (name === "help") return "help";
      throw unknownFlag(name, this.#table);
    }
    if (equals >= 0) this.#set(name, flag, word.slice(equals + 1));
    else if (flag.implied !== undefined) this.#set(name, flag, flag.implied);
    else this.#set(name, flag, this.#value(`flag needs an argument: ${word}`));
    return undefined;
  }

  #shorts(word: string): "help" | undefined {
    for (let i = 1; i < word.length; i++) {
      const letter = word[i]!;
      const [name, flag] = Object.entries(this.#table).find(([, each]) => each.short === letter) ?? [];
      if (name === undefined || flag === undefined) {
        if (letter === "h") {
          this.#warnings.push("Flag shorthand -h has been deprecated, use --help");
          return "help";
        }
        throw invalid(`unknown shorthand flag: ${quoteLetter(letter)} in -${word.slice(i)}`);
      }
      const rest = word.slice(i + 1);
      if (rest.startsWith("=")) return void this.#set(name, flag, rest.slice(1));
      if (flag.implied !== undefined) {
        this.#set(name, flag, flag.implied);
        continue;
      }
      if (rest !== "") return void this.#set(name, flag, rest);
      this.#set(name, flag, this.#value(`flag needs an argument: ${quoteLetter(letter)} in -${word.slice(1)}`));
    }
    return undefined;
  }

  #value(complaint: string): string {
    const text = this.#argv[this.#next++];
    if (text === undefined) throw invalid(complaint);
    return text;
  }

  #set(name: string, flag: Flag<unknown>, text: string): void {
    try {
      this.#values[name] = flag.parse(text, this.#values[name]);
    } catch (error) {
      const shown = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
      throw invalid(`invalid argument ${quote(text)} for ${quote(shown)} flag: ${messageOf(error)}`, error);
    }
    if (flag.deprecated !== undefined && !this.#given.has(name)) {
      this.#warnings.push(`Flag --${name} has been deprecated, ${flag.deprecated}`);
    }
    this.#given.add(name);
  }
}

function unknownFlag(name: string, table: FlagTable): EngineError {
  const shown = Object.keys(table).filter(
    (each) => table[each]!.hidden !== true && table[each]!.deprecated === undefined,
  );
  const suggestions = nearest(name, [...shown, "help"]).map((each) => `--${each}`);
  return new EngineError("invalid-parameter", `unknown flag: --${name}`, { data: { suggestions } });
}

function quoteLetter(letter: string): string {
  return `'${quote(letter).slice(1, -1)}'`;
}

function invalid(message: string, cause?: unknown): EngineError {
  return new EngineError("invalid-parameter", message, { cause });
}
