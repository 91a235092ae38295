/** The functions of templates: Go's own, and those that Docker's tools add. */
import { Computed, Missing, type TemplateFunction } from "./evaluate.ts";
import { isTrue, show, sprintf } from "./print.ts";

type Functions = ReadonlyMap<string, TemplateFunction>;

const BUILT_IN: Readonly<Record<string, TemplateFunction>> = {
  // The evaluator itself does these two, which look at their arguments one by one.
  and: (...args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1),
  or: (...args) => args.find(isTrue) ?? args.at(-1),
  not: (value) => !isTrue(value),
  len: (value) => lengthOf(value),
  index: (value, ...keys) => keys.reduce(indexed, value),
  slice: (value, from, to) => slice(value, from, to),
  print: (...args) => printed(args),
  println: (...args) => `${args.map(text).join(" ")}\n`,
  printf: (format, ...args) => sprintf(text(format), args.map(plain)),
  html: (...args) => printed(args).replace(/[<>&'"]/g, (char) => HTML[char]!),
  js: (...args) => JSON.stringify(printed(args)).slice(1, -1),
  urlquery: (...args) => encodeURIComponent(printed(args)).replaceAll("%20", "+"),
  eq: (first, ...others) => others.some((other) => compare(first, other) === 0),
  ne: (a, b) => compare(a, b) !== 0,
  lt: (a, b) => compareOrdered(a, b) < 0,
  le: (a, b) => compareOrdered(a, b) <= 0,
  gt: (a, b) => compareOrdered(a, b) > 0,
  ge: (a, b) => compareOrdered(a, b) >= 0,
};

const HTML: Readonly<Record<string, string>> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", "'": "&#39;", '"': "&#34;" };

const DOCKER: Readonly<Record<string, TemplateFunction>> = {
  json: (value) => toJson(value),
  split: (value, separator) => text(value).split(text(separator)),
  join: (list, separator) => listOf(list).map(text).join(text(separator)),
  title: (value) =>
    text(value).replace(
      /(^|[^\p{L}\p{N}'_])(\p{L})/gu,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  pad: (value, before, after) => {
    const string = text(value);
    return string === "" ? "" : " ".repeat(Number(before)) + string + " ".repeat(Number(after));
  },
  truncate: (value, length) => [...text(value)].slice(0, Math.max(0, Number(length))).join(""),
};

export const templateFunctions: Functions = new Map(Object.entries({ ...BUILT_IN, ...DOCKER }));

/** For heads of tables: what changes a value leaves its column's head as it is. */
export const headFunctions: Functions = new Map([
  ...templateFunctions,
  ...["json", "title", "lower", "upper", "truncate"].map((name) => [name, (value: unknown) => value] as const),
]);

/** A value as functions see it: rows as their fields, fields that are not there as null. */
function plain(value: unknown): unknown {
  if (value instanceof Missing) return null;
  return value instanceof Computed ? value.whole() : value;
}

/** Rows write themselves, wherever in a value they stand. */
function toJson(value: unknown): string {
  if (value instanceof Computed) return value.json();
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  const whole = plain(value) ?? null;
  if (typeof whole === "bigint") return String(whole);
  if (typeof whole !== "object" || whole === null) return JSON.stringify(whole);
  return `{${Object.entries(whole)
    .map(([key, member]) => `${JSON.stringify(key)}:${toJson(member)}`)
    .join(",")}}`;
}

function text(value: unknown): string {
  if (value instanceof Missing) throw new Error("invalid value; expected string");
  return show(plain(value));
}

/** Go puts a blank between neighbours of which neither is text. */
function printed(args: readonly unknown[]): string {
  return args
    .map((arg, i) => {
      const isApart = i > 0 && typeof arg !== "string" && typeof args[i - 1] !== "string";
      return (isApart ? " " : "") + text(arg);
    })
    .join("");
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value === null || value instanceof Missing) return [];
  throw new Error(`wrong type for value; expected []string; got ${typeof value}`);
}

function lengthOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (value === null || value instanceof Missing) return 0;
  if (typeof value === "object") return Object.keys(value).length;
  throw new Error(`len of type ${typeof value}`);
}

function indexed(value: unknown, key: unknown): unknown {
  if (value === null || value === undefined || value instanceof Missing) throw new Error("index of untyped nil");
  if (Array.isArray(value) || typeof value === "string") return indexedList(value, key);
  if (typeof value !== "object") throw new Error(`can't index item of type ${typeof value}`);
  const members = value as Record<string, unknown>;
  const name = text(key);
  if (Object.hasOwn(members, name)) return members[name];
  // A map of texts has the empty text for what is not in it.
  return Object.values(members).every((member) => typeof member === "string") ? "" : null;
}

function indexedList(value: readonly unknown[] | string, key: unknown): unknown {
  if (typeof key !== "number") throw new Error("cannot index slice/array with type string");
  if (!Number.isInteger(key) || key < 0 || key >= value.length) {
    throw new Error(`index out of range: ${key}`);
  }
  return typeof value === "string" ? Buffer.from(value)[key] : value[key];
}

function slice(value: unknown, from: unknown = 0, to?: unknown): unknown {
  const start = Number(from);
  if (typeof value === "string")
    return Buffer.from(value)
      .subarray(start, to === undefined ? undefined : Number(to))
      .toString();
  if (Array.isArray(value)) return value.slice(start, to === undefined ? undefined : Number(to));
  throw new Error(`can't slice item of type ${typeof value}`);
}

function compare(left: unknown, right: unknown): number {
  const [a, b] = [plain(left), plain(right)];
  if (a === b) return 0;
  if (a !== null && b !== null && typeof a !== typeof b) throw new Error("incompatible types for comparison");
  if (typeof a === "object" && a !== null) throw new Error("non-comparable type");
  return 1;
}

function compareOrdered(left: unknown, right: unknown): number {
  const [a, b] = [plain(left), plain(right)];
  if (typeof a !== typeof b) throw new Error("incompatible types for comparison");
  if (typeof a === "number" || typeof a === "string") return a === b ? 0 : (a as string) < (b as string) ? -1 : 1;
  throw new Error("invalid type for comparison");
}
