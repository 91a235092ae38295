import { EngineError, messageOf } from "#lib/errors";
import { isTrue, show } from "./print.ts";
import { quote } from "./quote.ts";
import type { Branch, Call, Expression, Node, Pipeline, Position, Template } from "./syntax.ts";

/** A function that templates may call. It throws an Error whose message becomes part of the template's. */
export type TemplateFunction = (...args: readonly unknown[]) => unknown;

/** A value whose fields are computed, such as a row of a list. */
export abstract class Computed {
  /** What messages call its type. */
  abstract readonly typeName: string;
  /** The field's value, or a method to call with the arguments that follow it; undefined if there is neither. */
  abstract field(name: string): { value: unknown } | { method: TemplateFunction } | undefined;
  /** What `{{.}}` shows. */
  abstract whole(): unknown;
  abstract json(): string;
}

/**
 * A field that an object does not have. It is false where truth is asked for and null to `json`, since engines leave
 * out fields without a value; to print it is an error, since it may be a typing error.
 */
export class Missing {
  readonly fault: string;
  constructor(fault: string) {
    this.fault = fault;
  }
}

export interface EvaluateOptions {
  readonly functions: ReadonlyMap<string, TemplateFunction>;
  /** What stands for a field that an object lacks: a value, or what is wrong with asking for it. */
  readonly absent: (object: object, name: string) => { readonly value: unknown } | { readonly fault: string };
  /** What is printed for null; `<nil>` unless said otherwise. */
  readonly nullText?: (field: string) => string;
}

/** Templates that call each other may go this deep. */
const MAX_DEPTH = 100;

/** What a failed evaluation had written before, as Go's writers have it on their output by then. */
export interface Evaluation {
  readonly text: string;
  readonly fault?: EngineError;
}

export function evaluateTemplate(template: Template, data: unknown, options: EvaluateOptions): Evaluation {
  const evaluator = new Evaluator(template, data, options);
  return evaluator.run();
}

type Flow = "next" | "break" | "continue";

class Evaluator {
  readonly #template: Template;
  readonly #options: EvaluateOptions;
  readonly #data: unknown;
  readonly #variables: { name: string; value: unknown }[];
  #text = "";
  #depth = 0;

  constructor(template: Template, data: unknown, options: EvaluateOptions) {
    this.#template = template;
    this.#options = options;
    this.#data = data;
    this.#variables = [{ name: "$", value: data }];
  }

  run(): Evaluation {
    try {
      this.#nodes(this.#template.body, this.#data);
      return { text: this.#text };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return { text: this.#text, fault: error };
    }
  }

  #nodes(nodes: readonly Node[], dot: unknown): Flow {
    const scope = this.#variables.length;
    for (const node of nodes) {
      const flow = this.#node(node, dot);
      if (flow !== "next") {
        this.#variables.length = scope;
        return flow;
      }
    }
    this.#variables.length = scope;
    return "next";
  }

  #node(node: Node, dot: unknown): Flow {
    switch (node.kind) {
      case "text":
        this.#text += node.text;
        return "next";
      case "action": {
        const value = this.#pipeline(node.pipeline, dot);
        if (node.pipeline.variables.length === 0) this.#text += this.#printed(value, node.pipeline);
        return "next";
      }
      case "template":
        this.#callTemplate(node, dot);
        return "next";
      case "break":
      case "continue":
        return node.kind;
      default:
        return this.#branch(node, dot);
    }
  }

  #branch(node: Branch, dot: unknown): Flow {
    const scope = this.#variables.length;
    const value = this.#pipeline(node.pipeline, dot, { declare: node.kind !== "range" });
    let flow: Flow;
    if (node.kind === "range") flow = this.#range(node, value, dot);
    else if (isTrue(value)) flow = this.#nodes(node.body, node.kind === "with" ? value : dot);
    else flow = this.#nodes(node.otherwise, dot);
    this.#variables.length = scope;
    return flow;
  }

  #range(node: Branch, value: unknown, dot: unknown): Flow {
    const entries = this.#entries(value, node.pipeline);
    if (entries.length === 0) return this.#nodes(node.otherwise, dot);
    const { variables, isAssignment } = node.pipeline;
    for (const [key, item] of entries) {
      const scope = this.#variables.length;
      const values = variables.length === 1 ? [item] : [key, item];
      for (const [i, name] of variables.entries()) this.#set(name, values[i], isAssignment);
      const flow = this.#nodes(node.body, item);
      this.#variables.length = scope;
      if (flow === "break") break;
    }
    return "next";
  }

  #entries(value: unknown, at: Position): [unknown, unknown][] {
    if (value === null || value === undefined) return [];
    if (Array.isArray(value)) return value.map((item, i) => [i, item]);
    if (typeof value === "number" && Number.isInteger(value)) return Array.from({ length: value }, (_, i) => [i, i]);
    if (typeof value === "object" && !(value instanceof Computed) && !(value instanceof Missing)) {
      return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    }
    throw this.#fault(at, `range can't iterate over ${show(value)}`);
  }

  #callTemplate(node: Extract<Node, { kind: "template" }>, dot: unknown): void {
    const body = this.#template.definitions.get(node.name);
    if (body === undefined) throw this.#fault(node.at, `template ${quote(node.name)} not defined`);
    if (++this.#depth > MAX_DEPTH) throw this.#fault(node.at, "exceeded maximum template depth");
    const data = node.pipeline === undefined ? null : this.#pipeline(node.pipeline, dot);
    const outer = this.#variables.splice(0, this.#variables.length, { name: "$", value: data });
    this.#nodes(body, data);
    this.#variables.splice(0, this.#variables.length, ...outer);
    this.#depth--;
  }

  #pipeline(pipeline: Pipeline, dot: unknown, options: { declare: boolean } = { declare: true }): unknown {
    let value: unknown;
    let isPiped = false;
    for (const call of pipeline.calls) {
      value = this.#call(call, dot, isPiped ? [value] : []);
      isPiped = true;
    }
    if (options.declare) for (const name of pipeline.variables) this.#set(name, value, pipeline.isAssignment);
    return value;
  }

  #set(name: string, value: unknown, isAssignment: boolean): void {
    const known = isAssignment ? this.#variables.findLast((variable) => variable.name === name) : undefined;
    if (known !== undefined) known.value = value;
    else this.#variables.push({ name, value });
  }

  #call(call: Call, dot: unknown, piped: readonly unknown[]): unknown {
    const [head, ...rest] = call.operands;
    if (head === undefined) throw this.#fault(call, "empty command");
    const args = () => [...rest.map((operand) => this.#value(operand, dot)), ...piped];
    if (head.kind === "function") {
      const isShortCircuit = head.name === "and" || head.name === "or";
      return isShortCircuit ? this.#logic(head.name, rest, dot, piped) : this.#invoke(head, args(), call);
    }
    const target = this.#target(head, dot);
    if (typeof target === "function") return this.#guard(head, () => (target as TemplateFunction)(...args()));
    if (rest.length + piped.length > 0) throw this.#fault(head, `can't give argument to non-function ${head.source}`);
    return target;
  }

  /** Later operands of `and` and `or` are not looked at once the outcome is known. */
  #logic(name: string, operands: readonly Expression[], dot: unknown, piped: readonly unknown[]): unknown {
    let value: unknown;
    for (const operand of [...operands, undefined]) {
      if (operand === undefined && piped.length === 0) break;
      value = operand === undefined ? piped[0] : this.#value(operand, dot);
      if (isTrue(value) === (name === "or")) return value;
    }
    return value;
  }

  #invoke(head: Extract<Expression, { kind: "function" }>, args: readonly unknown[], at: Position = head): unknown {
    const implementation = this.#options.functions.get(head.name);
    if (implementation === undefined) throw this.#fault(head, `${quote(head.name)} is not a defined function`);
    return this.#guard(at, () => implementation(...args), `error calling ${head.name}: `);
  }

  #guard(at: Position, call: () => unknown, prefix = ""): unknown {
    try {
      return call();
    } catch (error) {
      if (error instanceof EngineError) throw error;
      throw this.#fault(at, prefix + messageOf(error));
    }
  }

  /** An operand in the place of an argument: functions and methods are called without arguments. */
  #value(operand: Expression, dot: unknown): unknown {
    if (operand.kind === "function") return this.#invoke(operand, []);
    const target = this.#target(operand, dot);
    return typeof target === "function" ? this.#guard(operand, () => (target as TemplateFunction)()) : target;
  }

  #target(operand: Exclude<Expression, { kind: "function" }>, dot: unknown): unknown {
    switch (operand.kind) {
      case "literal":
        return operand.value;
      case "field":
        return this.#walk(dot, operand.path, operand);
      case "variable": {
        const variable = this.#variables.findLast(({ name }) => name === operand.name);
        return this.#walk(variable?.value, operand.path, operand);
      }
      case "group":
        return this.#walk(this.#pipeline(operand.pipeline, dot), operand.path, operand);
    }
  }

  #walk(start: unknown, path: readonly string[], at: Position): unknown {
    let value = start;
    for (const name of path) value = this.#field(value, name, at);
    return value;
  }

  #field(value: unknown, name: string, at: Position): unknown {
    if (value instanceof Computed) {
      const field = value.field(name);
      if (field === undefined) throw this.#fault(at, `can't evaluate field ${name} in type ${value.typeName}`);
      return "method" in field ? field.method : field.value;
    }
    if (value === null || value === undefined || value instanceof Missing) {
      throw this.#fault(at, `nil pointer evaluating interface {}.${name}`);
    }
    if (typeof value !== "object" || Array.isArray(value)) {
      throw this.#fault(at, `can't evaluate field ${name} in type ${goType(value)}`);
    }
    if (Object.hasOwn(value, name)) return (value as Record<string, unknown>)[name];
    const absent = this.#options.absent(value, name);
    return "fault" in absent ? new Missing(this.#faultText(at, absent.fault)) : absent.value;
  }

  #printed(value: unknown, at: Position): string {
    if (value instanceof Missing) throw new EngineError("invalid-parameter", value.fault);
    if (value === null && this.#options.nullText !== undefined) {
      return this.#options.nullText(at.source.slice(at.source.lastIndexOf(".") + 1));
    }
    return this.#guard(at, () => show(value instanceof Computed ? value.whole() : value)) as string;
  }

  #fault(at: Position, message: string): EngineError {
    return new EngineError("invalid-parameter", this.#faultText(at, message));
  }

  #faultText(at: Position, message: string): string {
    const { name } = this.#template;
    return `template: ${name}:${at.line}:${at.column}: executing ${quote(name)} at <${at.source}>: ${message}`;
  }
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return "[]interface {}";
  return typeof value === "string" ? "string" : typeof value === "boolean" ? "bool" : "json.Number";
}
