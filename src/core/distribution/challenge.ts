/** One way to prove who one is, as `WWW-Authenticate` offers it (RFC 9110, 11.6.1). */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By name in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Longer headers are not looked at: real ones have some hundred bytes. */
const HEADER_LIMIT = 16_384;

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const SPACE = /[ \t]*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
/** `token68` of RFC 9110: what some schemes have in place of parameters. */
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;

/**
 * Reads the header, which may name several challenges with several parameters, all separated by commas. What makes no sense ends
 * the list: a client can only do less with a challenge that it does not understand.
 */
export function parseChallenges(header: string): Challenge[] {
  if (header.length > HEADER_LIMIT) return [];
  const scanner = new Scanner(header);
  const challenges: Challenge[] = [];
  for (;;) {
    scanner.separators();
    const scheme = scanner.match(TOKEN)?.[0];
    if (scheme === undefined || scanner.match(/=/y)) return challenges;
    challenges.push({ scheme: scheme.toLowerCase(), parameters: readParameters(scanner) });
  }
}

function readParameters(scanner: Scanner): Map<string, string> {
  const parameters = new Map<string, string>();
  scanner.match(SPACE);
  if (scanner.match(TOKEN68)) return parameters;
  for (;;) {
    const start = scanner.position;
    scanner.separators();
    const parameter = readParameter(scanner);
    if (!parameter) {
      // The next challenge begins here.
      scanner.position = start;
      return parameters;
    }
    const [name, value] = parameter;
    if (!parameters.has(name)) parameters.set(name, value);
  }
}

function readParameter(scanner: Scanner): [string, string] | undefined {
  const name = scanner.match(TOKEN)?.[0].toLowerCase();
  scanner.match(SPACE);
  if (name === undefined || !scanner.match(/=/y)) return undefined;
  scanner.match(SPACE);
  const quoted = scanner.match(QUOTED)?.[1];
  if (quoted !== undefined) return [name, quoted.replace(/\\(.)/g, "$1")];
  const plain = scanner.match(TOKEN)?.[0];
  return plain === undefined ? undefined : [name, plain];
}

class Scanner {
  position = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Matches a sticky expression here and goes past it. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.#text);
    if (!found) return undefined;
    this.position += found[0].length;
    return found;
  }

  separators(): void {
    this.match(/[ \t,]*/y);
  }
}
