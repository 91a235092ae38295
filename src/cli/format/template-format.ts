/** Go templates over lists, over inspected objects, and over a single object. */
import { EngineError } from "#lib/errors";
import {
  Computed,
  type EvaluateOptions,
  type Evaluation,
  evaluateTemplate,
  headFunctions,
  isMap,
  parseTemplate,
  type Template,
  type TemplateFunction,
  templateFunctions,
} from "#lib/template";
import { alignTabs } from "#lib/term";
import { type Formatter, fieldsAsJson, goJson } from "./formatter.ts";
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
  const head = evaluateTemplate(template, new Head(formatter), { functions: headFunctions, absent: noField });
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

function evaluateOrExplain(template: Template, data: unknown, absent: EvaluateOptions["absent"] = noField): string {
  const { text, fault } = evaluateTemplate(template, data, { functions: templateFunctions, absent });
  if (fault === undefined) return text;
  throw new EngineError("invalid-parameter", `failed to execute template: ${fault.message}`, { cause: fault });
}

function noField(_: object, name: string): { fault: string } {
  return { fault: `can't evaluate field ${name}` };
}

function unary(name: string, call: (argument: string) => string): TemplateFunction {
  return (...args) => {
    if (args.length !== 1) throw new Error(`wrong number of args for ${name}: want 1 got ${args.length}`);
    return call(String(args[0]));
  };
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
    if (field !== undefined) return { value: (field.json ?? field.value)(this.#item) };
    const method = this.#formatter.methods?.[name];
    return method && { method: unary(name, (argument) => method.value(this.#item, argument)) };
  }

  whole(): unknown {
    return JSON.parse(this.json());
  }

  json(): string {
    return fieldsAsJson(this.#formatter, this.#item);
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
    return method && { method: unary(name, method.head) };
  }

  whole(): unknown {
    return Object.fromEntries(Object.entries(this.#formatter.fields).map(([name, { head }]) => [name, head]));
  }

  json(): string {
    return goJson(this.whole());
  }
}

/** Fields that engines leave out when there is nothing to point to. */
const OPTIONAL = ["Health", "Healthcheck", "Init", "SizeRw", "SizeRootFs", "StopTimeout"];
/** Fields that are maps: null is an empty one, as it is an empty list for the others. */
const MAPS = [
  "Labels",
  "Volumes",
  "Options",
  "ExposedPorts",
  "Ports",
  "PortBindings",
  "Annotations",
  "Sysctls",
  "Tmpfs",
];

const EXIT_BAD_TEMPLATE = 64;

/** A template over inspected objects: what could be printed, and the error that ended it. */
export function inspectTemplate(format: string): (objects: readonly object[]) => Evaluation {
  let template: Template;
  try {
    template = parseTemplate("", format, NAMES);
  } catch (cause) {
    if (!(cause instanceof EngineError)) throw cause;
    const data = { exitCode: EXIT_BAD_TEMPLATE };
    throw new EngineError("invalid-parameter", `template parsing error: ${cause.message}`, { cause, data });
  }
  const options = { functions: templateFunctions, absent: absentInspected, nullText };
  return (objects) => {
    let text = "";
    for (const object of objects) {
      const { text: own, fault } = evaluateTemplate(template, object, options);
      if (fault !== undefined) {
        const message = `template parsing error: ${fault.message}`;
        return { text: `${text}\n`, fault: new EngineError("invalid-parameter", message, { cause: fault }) };
      }
      text += `${own}\n`;
    }
    return { text: text === "" ? "\n" : text };
  };
}

function absentInspected(object: object, name: string): { value: unknown } | { fault: string } {
  const field = isMap(object) ? undefined : goField(object, name);
  if (field !== undefined) return field;
  const fault = { fault: `map has no entry for key ${JSON.stringify(name)}` };
  if (!isMap(object)) return OPTIONAL.includes(name) ? { value: null } : fault;
  return Object.keys(object).length === 0 ? fault : { value: undefined };
}

/** Templates name fields as Go programs do, objects have them as the API spells them: `APIVersion` is `ApiVersion`. */
function goField(object: object, name: string): { value: unknown } | undefined {
  if (!/^[A-Z]/.test(name)) return undefined;
  const found = Object.entries(object).find(([key]) => key.toLowerCase() === name.toLowerCase());
  return found && { value: found[1] };
}

function nullText(field: string): string {
  if (OPTIONAL.includes(field)) return "<nil>";
  return MAPS.includes(field) ? "map[]" : "[]";
}

/** One object by a template. Throws `invalid-parameter` for a template that does not parse. */
export function renderTemplate(template: { name: string; type: string; format: string }, data: unknown): Evaluation {
  const { name, type, format } = template;
  const absent = (object: object, field: string) =>
    goField(object, field) ?? { fault: `can't evaluate field ${field} in type ${type}` };
  return evaluateTemplate(parseTemplate(name, format, NAMES), data, { functions: templateFunctions, absent });
}

/** Lists of several kinds by one template, each under its name; `json` for all of them as JSON. */
export function renderRows(format: string, lists: Readonly<Record<string, readonly Computed[]>>): string {
  return evaluateOrExplain(parseOrExplain(format === "json" ? "{{json .}}" : format), lists);
}

/** The items of a list as templates see them. */
export function rowsOf<T>(formatter: Formatter<T>, items: readonly T[]): Computed[] {
  return items.map((item) => new Row(formatter, item));
}

/** Objects of a stream, each by the same template. */
export function templateRenderer(format: string): (data: object) => string {
  const template = parseOrExplain(format);
  const absent = (object: object, name: string) => goField(object, name) ?? noField(object, name);
  return (data) => evaluateOrExplain(template, data, absent);
}
