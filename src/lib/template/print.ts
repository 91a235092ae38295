/** Values as Go's fmt prints them and text/template judges them. */
import { quote } from "./quote.ts";

/** False for what is empty: false, 0, "", null, and lists and maps without members. */
export function isTrue(value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object") {
    const isMissing = "fault" in value && Object.getPrototypeOf(value) !== Object.prototype;
    return !isMissing && (!isMap(value) || Object.keys(value).length > 0);
  }
  return Boolean(value);
}

/** `%v`: lists as `[a b]`, maps as `map[k:v]` by key, structures as `{a b}`. */
export function show(value: unknown): string {
  if (value === undefined) return "<no value>";
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(show).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  if (!isMap(value)) return `{${Object.values(value).map(show).join(" ")}}`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, item]) => `${key}:${show(item)}`).join(" ")}]`;
}

/**
 * JSON does not tell structures from maps. Structures of the Engine API have field names in capitals, maps have keys
 * that users or programs chose.
 */
export function isMap(value: object): boolean {
  const keys = Object.keys(value);
  return keys.length === 0 || !keys.every((key) => /^[A-Z][A-Za-z0-9]*$/.test(key));
}

/** Go's `Sprintf`, for the verbs and flags that make sense of text, numbers and truth values. */
export function sprintf(format: string, args: readonly unknown[]): string {
  let next = 0;
  const text = format.replace(
    /%([-+# 0]*)(\d+|\*)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags: string, width, precision, verb) => {
      if (verb === "%") return "%";
      const columns = width === "*" ? Number(args[next++]) : Number(width ?? 0);
      if (next >= args.length) return `%!${verb}(MISSING)`;
      return pad(formatVerb(verb, args[next++], { flags, precision }), columns, flags);
    },
  );
  const extra = args.slice(next).map((arg) => `${typeName(arg)}=${show(arg)}`);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(", ")})`;
}

function formatVerb(verb: string, arg: unknown, options: { flags: string; precision?: string | undefined }): string {
  const { flags, precision } = options;
  const sign = flags.includes("+") && typeof arg === "number" && arg >= 0 ? "+" : "";
  switch (verb) {
    case "s":
    case "v":
      return sign + (precision === undefined ? show(arg) : [...show(arg)].slice(0, Number(precision)).join(""));
    case "q":
      return Array.isArray(arg) ? `[${arg.map((item) => quote(show(item))).join(" ")}]` : quote(show(arg));
    case "d":
      return typeof arg === "number" ? sign + Math.trunc(arg) : bad(verb, arg);
    case "x":
    case "X": {
      const hex = typeof arg === "number" ? arg.toString(16) : Buffer.from(show(arg)).toString("hex");
      return verb === "X" ? hex.toUpperCase() : hex;
    }
    case "o":
    case "b":
      return typeof arg === "number" ? arg.toString(verb === "o" ? 8 : 2) : bad(verb, arg);
    case "t":
      return typeof arg === "boolean" ? String(arg) : bad(verb, arg);
    case "f":
    case "F":
      return typeof arg === "number" ? sign + arg.toFixed(Number(precision ?? 6)) : bad(verb, arg);
    case "c":
      return typeof arg === "number" ? String.fromCodePoint(arg) : bad(verb, arg);
    case "T":
      return typeName(arg);
    default:
      return bad(verb, arg);
  }
}

function bad(verb: string, arg: unknown): string {
  return `%!${verb}(${typeName(arg)}=${show(arg)})`;
}

function pad(text: string, columns: number, flags: string): string {
  const missing = Math.abs(columns) - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes("-") || columns < 0) return text + " ".repeat(missing);
  if (!flags.includes("0")) return " ".repeat(missing) + text;
  return /^[+-]/.test(text) ? text[0] + "0".repeat(missing) + text.slice(1) : "0".repeat(missing) + text;
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "object") return "map[string]interface {}";
  return typeof value === "boolean"
    ? "bool"
    : typeof value === "number"
      ? Number.isInteger(value)
        ? "int"
        : "float64"
      : "string";
}
