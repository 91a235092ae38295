/** Parses Go's text/template language, as far as command line tools show it to their users. */

import { lexTemplate, type Segment, syntaxFault, type Token } from "./lex.ts";
import { quote } from "./quote.ts";
import type { Branch, Call, Expression, Node, Pipeline, Position, Template } from "./syntax.ts";

const KEYWORDS = ["if", "with", "range", "else", "end", "define", "template", "block", "break", "continue"];

/**
 * @param functions the names that may be called.
 * @throws EngineError `invalid-parameter` in Go's words.
 */
export function parseTemplate(name: string, source: string, functions: ReadonlySet<string>): Template {
  return new Parser(name, source, functions).template();
}

interface Body {
  readonly nodes: Node[];
  /** The action that ended the body: `end`, `else` with what follows it, or the end of the text. */
  readonly ended: { readonly word: "end" | "else" | "eof"; readonly rest: TokenReader };
}

class Parser {
  readonly #name: string;
  readonly #functions: ReadonlySet<string>;
  readonly #segments: readonly Segment[];
  readonly #definitions = new Map<string, readonly Node[]>();
  #next = 0;
  #line = 1;
  /** Names of the variables in force; entering a body remembers how many there were. */
  readonly #variables: string[] = ["$"];
  #loops = 0;

  constructor(name: string, source: string, functions: ReadonlySet<string>) {
    this.#name = name;
    this.#functions = functions;
    this.#segments = lexTemplate(name, source);
  }

  template(): Template {
    const { nodes, ended } = this.#body();
    if (ended.word !== "eof") throw this.#fault(`unexpected {{${ended.word}}}`);
    return { name: this.#name, body: nodes, definitions: this.#definitions };
  }

  #body(): Body {
    const nodes: Node[] = [];
    const scope = this.#variables.length;
    while (this.#next < this.#segments.length) {
      const segment = this.#segments[this.#next++]!;
      if (segment.kind === "text") {
        nodes.push(segment);
        continue;
      }
      this.#line = segment.line;
      const tokens = new TokenReader(segment.tokens);
      const word = tokens.peek()?.kind === "word" ? tokens.peek()!.text : "";
      if (word === "end" || word === "else") {
        tokens.take();
        this.#variables.length = scope;
        return { nodes, ended: { word, rest: tokens } };
      }
      const node = KEYWORDS.includes(word) ? this.#statement(word, tokens) : this.#action(tokens);
      if (node !== undefined) nodes.push(node);
    }
    this.#variables.length = scope;
    return { nodes, ended: { word: "eof", rest: new TokenReader([]) } };
  }

  #statement(word: string, tokens: TokenReader): Node | undefined {
    tokens.take();
    switch (word) {
      case "if":
      case "with":
      case "range":
        return this.#branch(word, tokens);
      case "break":
      case "continue":
        if (this.#loops === 0) throw this.#fault(`{{${word}}} outside {{range}}`);
        return { kind: word };
      case "template":
        return this.#call(tokens);
      case "block": {
        const node = this.#call(tokens);
        this.#define(node.name);
        return node;
      }
      default:
        this.#define(this.#templateName(tokens));
        return undefined;
    }
  }

  #action(tokens: TokenReader): Node {
    return { kind: "action", pipeline: this.#pipeline(tokens, "command") };
  }

  #branch(kind: Branch["kind"], tokens: TokenReader): Branch {
    const scope = this.#variables.length;
    const pipeline = this.#pipeline(tokens, kind);
    if (kind === "range") this.#loops++;
    const { nodes, ended } = this.#body();
    if (kind === "range") this.#loops--;
    let otherwise: readonly Node[] = [];
    if (ended.word === "else") otherwise = this.#otherwise(kind, ended.rest);
    else if (ended.word === "eof") throw this.#fault("unexpected EOF");
    this.#variables.length = scope;
    return { kind, pipeline, body: nodes, otherwise };
  }

  /** `{{else}}`, or `{{else if …}}`, which shares the `{{end}}` of the first. */
  #otherwise(kind: Branch["kind"], rest: TokenReader): readonly Node[] {
    const next = rest.peek();
    if (next !== undefined && next.text === kind && kind !== "range") {
      rest.take();
      return [this.#branch(kind, rest)];
    }
    if (next !== undefined) throw this.#fault(`unexpected ${show(next)} in else`);
    const { nodes, ended } = this.#body();
    if (ended.word === "else") throw this.#fault("expected end; found {{else}}");
    if (ended.word === "eof") throw this.#fault("unexpected EOF");
    return nodes;
  }

  #call(tokens: TokenReader): Extract<Node, { kind: "template" }> {
    const at = positionOf(tokens.peek(), this.#line);
    const name = this.#templateName(tokens);
    const pipeline = tokens.peek() === undefined ? undefined : this.#pipeline(tokens, "template clause");
    return { kind: "template", name, pipeline, at };
  }

  #templateName(tokens: TokenReader): string {
    const token = tokens.take();
    if (token?.kind !== "string") throw this.#fault(`unexpected ${show(token)} in template clause`);
    return unquote(token.text);
  }

  #define(name: string): void {
    const { nodes, ended } = this.#body();
    if (ended.word !== "end") throw this.#fault("unexpected EOF");
    this.#definitions.set(name, nodes);
  }

  #pipeline(tokens: TokenReader, where: string, close?: string): Pipeline {
    const first = tokens.peek();
    const { variables, isAssignment } = this.#declaration(tokens, where);
    const calls: Call[] = [];
    for (;;) {
      calls.push(this.#oneCall(tokens, where));
      const next = tokens.peek();
      if (next === undefined || next.text === close) break;
      if (next.text !== "|") throw this.#fault(`unexpected ${show(next)} in ${where}`);
      tokens.take();
      if (tokens.peek() === undefined) throw this.#fault("missing value for command");
    }
    return { ...positionOf(first, this.#line), source: tokens.sourceFrom(first), variables, isAssignment, calls };
  }

  /** `$x :=`, `$x =`, or `$i, $v :=` of a range. */
  #declaration(tokens: TokenReader, where: string): { variables: string[]; isAssignment: boolean } {
    const names = tokens.declaredNames();
    if (names === undefined) return { variables: [], isAssignment: false };
    if (names.variables.length > 1 && where !== "range") throw this.#fault(`too many declarations in ${where}`);
    for (const name of names.variables) {
      if (!names.isAssignment) this.#variables.push(name);
      else if (!this.#variables.includes(name)) throw this.#fault(`undefined variable ${quote(name)}`);
    }
    return names;
  }

  #oneCall(tokens: TokenReader, where: string): Call {
    const first = tokens.peek();
    const operands: Expression[] = [];
    for (let next = first; next !== undefined && next.text !== "|" && next.text !== ")"; next = tokens.peek()) {
      operands.push(this.#operand(tokens, where));
    }
    if (operands.length === 0) throw this.#fault(`missing value for ${where}`);
    return { ...positionOf(first, this.#line), source: tokens.sourceFrom(first), operands };
  }

  #operand(tokens: TokenReader, where: string): Expression {
    const token = tokens.take()!;
    const at = positionOf(token, this.#line);
    switch (token.kind) {
      case "string":
        return { ...at, kind: "literal", value: unquote(token.text) };
      case "char":
        return { ...at, kind: "literal", value: unquote(`"${token.text.slice(1, -1)}"`).codePointAt(0) ?? 0 };
      case "number":
        return { ...at, kind: "literal", value: Number(token.text.replaceAll("_", "")) };
      case "dot":
        return { ...at, kind: "field", path: [] };
      case "field": {
        const path = [token.text.slice(1), ...tokens.path()];
        const source = path.map((name) => `.${name}`).join("");
        // Go counts a chain of fields as standing where its last one does.
        const column = at.column + source.lastIndexOf(".");
        return { ...at, column, source, kind: "field", path };
      }
      case "variable":
        if (!this.#variables.includes(token.text)) throw this.#fault(`undefined variable ${quote(token.text)}`);
        return { ...at, kind: "variable", name: token.text, path: tokens.path() };
      case "word":
        return this.#word(token, at);
      default:
        if (token.text !== "(") throw this.#fault(`unexpected ${show(token)} in ${where}`);
        return this.#group(tokens, at);
    }
  }

  #word(token: Token, at: Position): Expression {
    const constants: Record<string, boolean | null> = { true: true, false: false, nil: null };
    if (Object.hasOwn(constants, token.text)) return { ...at, kind: "literal", value: constants[token.text]! };
    if (!this.#functions.has(token.text)) throw this.#fault(`function ${quote(token.text)} not defined`);
    return { ...at, kind: "function", name: token.text };
  }

  #group(tokens: TokenReader, at: Position): Expression {
    const pipeline = this.#pipeline(tokens, "parenthesized pipeline", ")");
    if (tokens.take()?.text !== ")") throw this.#fault("unclosed left paren");
    return { ...at, source: `(${pipeline.source})`, kind: "group", pipeline, path: tokens.path() };
  }

  #fault(message: string) {
    return syntaxFault(this.#name, this.#line, message);
  }
}

/** The tokens of an action; blanks count only between a value and a field after it. */
class TokenReader {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(): Token | undefined {
    while (this.#tokens[this.#next]?.kind === "space") this.#next++;
    return this.#tokens[this.#next];
  }

  take(): Token | undefined {
    const token = this.peek();
    this.#next++;
    return token;
  }

  /** Fields that follow without a blank: `.A.B`. */
  path(): string[] {
    const names: string[] = [];
    while (this.#tokens[this.#next]?.kind === "field") names.push(this.#tokens[this.#next++]!.text.slice(1));
    return names;
  }

  /** Takes a declaration or assignment, if the tokens begin with one. */
  declaredNames(): { variables: string[]; isAssignment: boolean } | undefined {
    const start = this.#next;
    const variables: string[] = [];
    while (this.peek()?.kind === "variable") {
      variables.push(this.take()!.text);
      const symbol = this.peek()?.text;
      if (symbol === ":=" || symbol === "=") {
        this.take();
        return { variables, isAssignment: symbol === "=" };
      }
      if (symbol !== ",") break;
      this.take();
    }
    this.#next = start;
    return undefined;
  }

  /** What was written from this token up to the next one to take. */
  sourceFrom(first: Token | undefined): string {
    if (first === undefined) return "";
    const start = this.#tokens.indexOf(first);
    return this.#tokens
      .slice(start, this.#next)
      .map((token) => token.text)
      .join("")
      .trim();
  }
}

function positionOf(token: Token | undefined, line: number): Position {
  return { line: token?.line ?? line, column: token?.column ?? 0, source: token?.text ?? "" };
}

function show(token: Token | undefined): string {
  return token === undefined ? "EOF" : `<${token.text}>`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

function unquote(text: string): string {
  if (text.startsWith("`")) return text.slice(1, -1);
  return text
    .slice(1, -1)
    .replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/g, (_, code: string) => {
      if (/^[xuU]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
      if (/^[0-7]{3}$/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8));
      return ESCAPES[code] ?? code;
    });
}
