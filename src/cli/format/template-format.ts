/** Go templates over lists, over inspected objects, and over a single object. */
import { EngineError } from "#lib/errors";
import { alignTabs } from "#lib/term";
import { Computed, evaluateTemplate } from "../template/evaluate.ts";
import { headFunctions, templateFunctions } from "../template/functions.ts";
import { parseTemplate } from "../template/parse.ts";
import type { Template } from "../template/syntax.ts";
import { type Formatter, fieldsAsJson } from "./formatter.ts";
import { TABLE_LAYOUT } from "./table.ts";

const TABLE = "table ";
const NAMES = new Set(templateFunctions.keys());

/**
 * Items by a template, one line each; after `table`, in columns under heads.
 *
 * @throws EngineError `invalid-parameter` for a template that does not parse, or does not fit the items.
 */
export function formatWithTemplate<T>(formatter: Formatter<T>, items: readonly T[], format: string): string {
  const isTable = format.startsWith(TABLE);
  const source = (isTable ? format.slice(TABLE.length).trim() : format).replaceAll("\\t", "\t").replaceAll("\\n", "\n");
  const template = parseOrExplain(source);
  const lines = items.map((item) => `${evaluateOrExplain(template, new Row(formatter, item))}\n`).join("");
  if (!isTable) return lines;
  const head = evaluateTemplate(template, new Head(formatter), { functions: headFunctions, missing: noField });
  return alignTabs(`${head.text}\n${lines}`, TABLE_LAYOUT);
}

function parseOrExplain(source: string): Template {
  try {
    return parseTemplate("", source, NAMES);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError("invalid-parameter", `failed to parse template: ${error.message}`, { cause: error });
  }
}

function evaluateOrExplain(template: Template, data: unknown): string {
  const { text, fault } = evaluateTemplate(template, data, { functions: templateFunctions, missing: noField });
  if (fault === undefined) return text;
  throw new EngineError("invalid-parameter", `failed to execute template: ${fault.message}`, { cause: fault });
}

function noField(name: string): string {
  return `can't evaluate field ${name}`;
}

/** An item of a list as a template sees it. */
class Row<T> extends Computed {
  readonly typeName: string;
  readonly #formatter: Formatter<T>;
  readonly #item: T;

  constructor(formatter: Formatter<T>, item: T) {
    super();
    this.typeName = formatter.typeName;
    this.#formatter = formatter;
    this.#item = item;
  }

  field(name: string) {
    const field = Object.hasOwn(this.#formatter.fields, name) ? this.#formatter.fields[name] : undefined;
    if (field !== undefined) return { value: field.value(this.#item) };
    const method = this.#formatter.methods?.[name];
    return method && { method: (argument: unknown) => method.value(this.#item, String(argument)) };
  }

  whole(): unknown {
    return JSON.parse(fieldsAsJson(this.#formatter, this.#item));
  }
}

/** The heads of columns under the names of the fields that stand in them. */
class Head<T> extends Computed {
  readonly typeName: string;
  readonly #formatter: Formatter<T>;

  constructor(formatter: Formatter<T>) {
    super();
    this.typeName = formatter.typeName;
    this.#formatter = formatter;
  }

  field(name: string) {
    const field = Object.hasOwn(this.#formatter.fields, name) ? this.#formatter.fields[name] : undefined;
    if (field !== undefined) return { value: field.head };
    const method = this.#formatter.methods?.[name];
    return method && { method: (argument: unknown) => method.head(String(argument)) };
  }

  whole(): unknown {
    return Object.fromEntries(Object.entries(this.#formatter.fields).map(([name, { head }]) => [name, head]));
  }
}

/** A template over inspected objects: what could be printed, and the error that ended it. */
export function inspectTemplate(format: string): (objects: readonly object[]) => { text: string; fault?: EngineError } {
  let template: Template;
  try {
    template = parseTemplate("", format, NAMES);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError("invalid-parameter", `template parsing error: ${error.message}`, { cause: error });
  }
  const missing = (name: string) => `map has no entry for key ${JSON.stringify(name)}`;
  return (objects) => {
    let text = "";
    for (const object of objects) {
      const evaluated = evaluateTemplate(template, object, { functions: templateFunctions, missing });
      if (evaluated.fault !== undefined) {
        const message = `template parsing error: ${evaluated.fault.message}`;
        return { text: `${text}\n`, fault: new EngineError("invalid-parameter", message, { cause: evaluated.fault }) };
      }
      text += `${evaluated.text}\n`;
    }
    return { text: text === "" ? "\n" : text };
  };
}

/**
 * One object by a template.
 *
 * @throws EngineError `invalid-parameter` for a template that does not parse, or does not fit the object.
 */
export function renderTemplate(name: string, format: string, data: unknown): string {
  const template = parseTemplate(name, format, NAMES);
  const evaluated = evaluateTemplate(template, data, { functions: templateFunctions, missing: noField });
  if (evaluated.fault !== undefined) throw evaluated.fault;
  return evaluated.text;
}

/** Objects of a stream, each by the same template. Throws `invalid-parameter` as `renderTemplate` does. */
export function templateRenderer(format: string): (data: object) => string {
  const template = parseOrExplain(format);
  return (data) => evaluateOrExplain(template, data);
}
