import { EngineError } from "#lib/errors";

/**
 * How the JSON of a body looks. `empty` is an object without fields; a struct has the listed fields and no others;
 * the values of a map may be `null`, as Go's may.
 */
export type Shape = "string" | "boolean" | "integer" | "empty" | ListShape | MapShape | StructShape;

interface ListShape {
  readonly list: Shape;
}

interface MapShape {
  readonly map: Shape;
}

export interface StructShape {
  /** What Go calls the type, for messages. */
  readonly goType: string;
  readonly fields: Readonly<Record<string, Shape>>;
}

// Fields of a container's config that Docker takes as one string, too. Those of an exec are lists.
const STRING_OR_LIST = new Set(["Cmd", "Entrypoint"]);
// A create request embeds the container's config, and Go leaves the name of what embeds out of its messages.
const EMBEDDING = "container.CreateRequest";
const INT64_LIMIT = 2 ** 63;

/**
 * Reads a body as Go's decoder does: field names in any case, unknown fields dropped, `null` as if the field were not
 * there. What comes out has the fields and types of the shape, so that nothing behind it needs to doubt its type.
 *
 * @throws EngineError `invalid-parameter` with Go's words for a value of another type
 */
export function decodeBody(value: unknown, shape: StructShape): Record<string, unknown> {
  if (!isObject(value)) throw mismatch(value, "Go value", shape);
  return decodeStruct(value, shape, shape.goType === EMBEDDING ? "" : shape.goType.replace(/^.*\./, ""));
}

function decode(value: unknown, shape: Shape, path: string): unknown {
  if (typeof shape === "string" && shape !== "empty") return decodeScalar(value, shape, path);
  if (shape === "empty" || "fields" in shape) {
    if (!isObject(value)) throw mismatch(value, `Go struct field ${path}`, shape);
    return shape === "empty" ? {} : decodeStruct(value, shape, path);
  }
  if ("list" in shape) {
    if (!Array.isArray(value)) throw mismatch(value, `Go struct field ${path}`, shape);
    return value.map((item, index) =>
      item === null ? zeroOf(shape.list) : decode(item, shape.list, `${path}.${index}`),
    );
  }
  if (!isObject(value)) throw mismatch(value, `Go struct field ${path}`, shape);
  const entries = Object.entries(value).map(([key, item]) => {
    const place = `${path}.${key.replaceAll("/", "~1")}`;
    return [key, item === null ? zeroOf(shape.map) : decode(item, shape.map, place)] as const;
  });
  return Object.fromEntries(entries);
}

function decodeStruct(value: object, shape: StructShape, path: string): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const name = fieldName(shape, key);
    if (name === undefined || item === null) continue;
    const single = shape.goType === EMBEDDING && STRING_OR_LIST.has(name) && typeof item === "string";
    result[name] = single ? [item] : decode(item, shape.fields[name] ?? "empty", `${path}.${key}`);
  }
  return result;
}

/** The field that a key means: by its exact name, else in any case. */
function fieldName(shape: StructShape, key: string): string | undefined {
  if (Object.hasOwn(shape.fields, key)) return key;
  return Object.keys(shape.fields).find((name) => name.toLowerCase() === key.toLowerCase());
}

function decodeScalar(value: unknown, shape: "string" | "boolean" | "integer", path: string): unknown {
  if (shape === "integer" && typeof value === "number") {
    if (Number.isInteger(value) && Math.abs(value) <= INT64_LIMIT) return value;
    throw invalid(`json: cannot unmarshal number ${value} into Go struct field ${path} of type int64`);
  }
  if (typeof value !== (shape === "integer" ? "number" : shape))
    throw mismatch(value, `Go struct field ${path}`, shape);
  return value;
}

/** What Go makes of a `null` inside of a list or a map. */
function zeroOf(shape: Shape): unknown {
  if (shape === "string") return "";
  if (shape === "boolean") return false;
  if (shape === "integer") return 0;
  return shape === "empty" || "fields" in shape ? {} : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function mismatch(value: unknown, place: string, shape: Shape): EngineError {
  return invalid(`json: cannot unmarshal ${jsonType(value)} into ${place} of type ${goType(shape)}`);
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", `invalid JSON: ${message}`);
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function goType(shape: Shape): string {
  if (shape === "boolean") return "bool";
  if (shape === "integer") return "int64";
  if (shape === "empty") return "struct {}";
  if (typeof shape === "string") return shape;
  if ("list" in shape) return `[]${goType(shape.list)}`;
  return "map" in shape ? `map[string]${goType(shape.map)}` : shape.goType;
}
