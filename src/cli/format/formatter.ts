/**
 * Lists of things as tables, templates or JSON. A formatter is data: the fields that a template may name, each with
 * its column head, and the columns of the plain table.
 */
import { EngineError } from "#lib/errors";
import type { Output } from "../io.ts";
import { renderTable } from "./table.ts";

export interface Field<T> {
  readonly head: string;
  value(item: T): string;
  /** Its value in JSON and in templates, where that is not the text. */
  json?(item: T): unknown;
  /** Another text that only JSON has. */
  jsonText?(item: T): string;
}

/** A field that takes an argument, such as `.Label "x"`. */
export interface Method<T> {
  head(argument: string): string;
  value(item: T, argument: string): string;
}

export interface Formatter<T> {
  /** What a template's error calls the thing, such as `*formatter.ContainerContext`. */
  readonly typeName: string;
  readonly fields: Readonly<Record<string, Field<T>>>;
  readonly methods?: Readonly<Record<string, Method<T>>>;
  /** Fields of the plain table. */
  readonly columns: readonly string[];
  /** Field that `--quiet` prints. */
  readonly id: string;
}

export interface FormatOptions {
  /** What the user gave with `--format`; empty or `table` for the plain table. */
  readonly format: string;
  readonly quiet: boolean;
}

/**
 * Writes the items.
 *
 * @throws EngineError `invalid-parameter` for a template that does not parse, or names a field that is not there.
 */
export async function writeFormatted<T>(
  output: Output,
  formatter: Formatter<T>,
  items: readonly T[],
  { format, quiet }: FormatOptions,
): Promise<void> {
  if (quiet && isPlainTable(format)) {
    const id = formatter.fields[formatter.id]!;
    output.write(items.map((item) => `${id.value(item)}\n`).join(""));
  } else if (isPlainTable(format)) {
    output.write(plainTable(formatter, items));
  } else if (format === "json") {
    output.write(items.map((item) => `${fieldsAsJson(formatter, item)}\n`).join(""));
  } else {
    const { formatWithTemplate } = await import("./template-format.ts");
    output.write(formatWithTemplate(formatter, items, format));
  }
}

function isPlainTable(format: string): boolean {
  return format === "" || format === "table";
}

/** The items in the formatter's columns under their heads. */
export function plainTable<T>(formatter: Formatter<T>, items: readonly T[]): string {
  const fields = formatter.columns.map((name) => {
    const field = formatter.fields[name];
    if (field === undefined) throw new EngineError("internal", `table column "${name}" is no field`);
    return field;
  });
  const rows = items.map((item) => fields.map((field) => field.value(item)));
  return renderTable(
    fields.map((field) => field.head),
    rows,
  );
}

/** All fields of an item in the order of their names, as `--format json` shows them. */
export function fieldsAsJson<T>(formatter: Formatter<T>, item: T): string {
  const names = Object.keys(formatter.fields).sort();
  const fields = names.map((name) => {
    const field = formatter.fields[name]!;
    return [name, (field.jsonText ?? field.json ?? field.value)(item)];
  });
  return goJson(Object.fromEntries(fields));
}

const ESCAPES: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** Of ECMAScript's "JSON.parse source text access", which is newer than the compiler's types. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

function exactNumber(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? rawJSON(String(value)) : value;
}

/** JSON with what HTML gives a meaning escaped, as Go's encoder writes it. */
export function goJson(value: unknown, indent?: string): string {
  return JSON.stringify(value, exactNumber, indent).replace(/[<>&\u2028\u2029]/g, (char) => ESCAPES[char]!);
}
