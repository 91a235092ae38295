import { EngineError } from "#lib/errors";

/** A stretch of plain text, or the inside of `{{…}}`. */
export type Segment =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly tokens: readonly Token[]; readonly line: number };

export interface Token {
  readonly kind: "string" | "char" | "number" | "field" | "variable" | "word" | "symbol" | "dot" | "space";
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

export function syntaxFault(name: string, line: number, message: string): EngineError {
  return new EngineError("invalid-parameter", `template: ${name}:${line}: ${message}`);
}

/** Cuts a template into text and actions; trim markers and comments are gone afterwards. */
export function lexTemplate(name: string, source: string): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  let trimNext = false;
  while (at < source.length) {
    const open = source.indexOf("{{", at);
    let text = source.slice(at, open < 0 ? source.length : open);
    if (trimNext) text = text.trimStart();
    if (open < 0) {
      if (text !== "") segments.push({ kind: "text", text });
      break;
    }
    const trimsLeft = /^\{\{-\s/.test(source.slice(open, open + 4));
    if (trimsLeft) text = text.trimEnd();
    if (text !== "") segments.push({ kind: "text", text });
    const start = open + (trimsLeft ? 3 : 2);
    const action = lexAction(name, source, start);
    trimNext = action.trimsRight;
    at = action.end;
    if (!action.isComment) segments.push({ kind: "action", tokens: action.tokens, line: lineAt(source, open) });
  }
  return segments;
}

interface LexedAction {
  readonly tokens: readonly Token[];
  readonly end: number;
  readonly trimsRight: boolean;
  readonly isComment: boolean;
}

const TOKENS: readonly (readonly [Token["kind"], RegExp])[] = [
  ["space", /^\s+/],
  ["string", /^"(?:[^"\\\n]|\\.)*"/],
  ["string", /^`[^`]*`/],
  ["char", /^'(?:[^'\\\n]|\\.[^']*)'/],
  ["number", /^[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/],
  ["field", /^\.[\p{L}_][\p{L}\p{N}_]*/u],
  ["dot", /^\./],
  ["variable", /^\$[\p{L}\p{N}_]*/u],
  ["word", /^[\p{L}_][\p{L}\p{N}_]*/u],
  ["symbol", /^(?::=|[=|(),])/],
];

function lexAction(name: string, source: string, start: number): LexedAction {
  const comment = /^\s*\/\*[\s\S]*?\*\/\s*(-?)\}\}/.exec(source.slice(start));
  if (comment !== null) {
    return { tokens: [], end: start + comment[0].length, trimsRight: comment[1] === "-", isComment: true };
  }
  const tokens: Token[] = [];
  let at = start;
  for (;;) {
    const rest = source.slice(at);
    const close = /^(\s-)?\}\}/.exec(rest);
    if (close !== null) {
      return { tokens, end: at + close[0].length, trimsRight: close[1] !== undefined, isComment: false };
    }
    const token = nextToken(rest);
    if (token === undefined) throw syntaxFault(name, lineAt(source, at), lexicalFault(rest));
    tokens.push({ ...token, line: lineAt(source, at), column: at - (source.lastIndexOf("\n", at - 1) + 1) });
    at += token.text.length;
  }
}

function nextToken(rest: string): { kind: Token["kind"]; text: string } | undefined {
  for (const [kind, pattern] of TOKENS) {
    let text = pattern.exec(rest)?.[0];
    if (text === undefined) continue;
    // The blank before `-}}` belongs to the trim marker.
    if (kind === "space" && rest.startsWith("-}}", text.length)) text = text.slice(0, -1);
    if (text !== "") return { kind, text };
  }
  return undefined;
}

function lexicalFault(rest: string): string {
  if (rest === "") return "unclosed action";
  if (rest.startsWith('"')) return "unterminated quoted string";
  if (rest.startsWith("`")) return "unterminated raw quoted string";
  if (rest.startsWith("'")) return "unterminated character constant";
  if (rest.startsWith("/*")) return "unclosed comment";
  const char = [...rest][0]!;
  if (char === "}") return 'unexpected "}" in command';
  return `unexpected ${JSON.stringify(char)} in command`;
}

function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split("\n").length;
}
