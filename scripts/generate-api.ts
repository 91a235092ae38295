/**
 * Writes from the Engine API's swagger file: src/api/engine/types.ts, one exported type for each definition, and
 * src/api/engine/shapes.ts, the bodies of requests as data, by which they are checked when they arrive. Run it after
 * the swagger file changed: `bun scripts/generate-api.ts`; with `--check` it only compares and fails when a generated
 * file is stale.
 *
 * A property is required in the type when swagger requires it, `| null` where swagger says
 * `x-nullable`. Field names keep their wire spelling.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";

interface Schema {
  type?: string;
  $ref?: string;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  allOf?: Schema[];
  required?: string[];
  description?: string;
  "x-nullable"?: boolean;
}

interface Operation {
  operationId: string;
  parameters?: { in: string; schema?: Schema }[];
}

/** Operations whose bodies the server reads, and what Go calls the type of each in error messages. */
const BODIES = {
  ContainerCreate: "container.CreateRequest",
  ContainerExec: "container.ExecOptions",
  ExecStart: "container.ExecStartOptions",
  ImageCommit: "container.CreateRequest",
};

const folder = new URL("../src/api/engine/", import.meta.url);
const document = parse(readFileSync(new URL("swagger-v1.51.yaml", folder), "utf8")) as {
  definitions: Record<string, Schema>;
  paths: Record<string, Record<string, Operation>>;
};
const outputs = { "types.ts": generate(document.definitions), "shapes.ts": generateShapes() };
for (const [name, output] of Object.entries(outputs)) {
  const target = new URL(name, folder);
  if (!process.argv.includes("--check")) {
    writeFileSync(target, output);
  } else if (readFileSync(target, "utf8") !== output) {
    console.error(`${target.pathname} is stale: run "bun scripts/generate-api.ts"`);
    process.exitCode = 1;
  }
}

function generate(definitions: Record<string, Schema>): string {
  const parts = Object.entries(definitions).map(
    ([name, schema]) => `${comment(schema, "")}export type ${name} = ${typeOf(schema, "")};\n`,
  );
  return `// Generated from swagger-v1.51.yaml by scripts/generate-api.ts. Do not edit.\n\n${parts.join("\n")}`;
}

function typeOf(schema: Schema, indent: string): string {
  const base = baseType(schema, indent);
  return schema["x-nullable"] ? `${base} | null` : base;
}

function baseType(schema: Schema, indent: string): string {
  if (schema.$ref) return schema.$ref.replace("#/definitions/", "");
  if (schema.allOf) return schema.allOf.map((part) => typeOf(part, indent)).join(" & ");
  if (schema.enum && schema.type !== "integer") return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.properties) return objectType(schema, indent);
  switch (schema.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "array":
      return `Array<${schema.items ? typeOf(schema.items, indent) : "unknown"}>`;
    default:
      return mapType(schema, indent);
  }
}

function mapType(schema: Schema, indent: string): string {
  const values = schema.additionalProperties;
  if (values && typeof values === "object") return `Record<string, ${typeOf(values, indent)}>`;
  return schema.type === "object" ? "Record<string, unknown>" : "unknown";
}

function objectType(schema: Schema, indent: string): string {
  const inner = `${indent}  `;
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
    return `${comment(field, inner)}${inner}${key}${required.has(name) ? "" : "?"}: ${typeOf(field, inner)};`;
  });
  return `{\n${fields.join("\n")}\n${indent}}`;
}

/** The first paragraph of a description, as a doc comment of one line. */
function comment(schema: Schema, indent: string): string {
  const text = schema.description
    ?.split(/\n\s*\n/)[0]
    ?.replace(/\s+/g, " ")
    .replaceAll("*/", "*\\/")
    .trim();
  return text ? `${indent}/** ${text} */\n` : "";
}

/** Bodies as data: see src/api/engine/decode.ts for how the shapes are written. */
function generateShapes(): string {
  const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
  const shapes = Object.entries(BODIES).map(([operationId, goType]) => {
    const operation = operations.find((candidate) => candidate.operationId === operationId);
    const body = operation?.parameters?.find((parameter) => parameter.in === "body");
    return [operationId, { goType, fields: fieldsOf(resolved(body?.schema ?? {})) }];
  });
  return `// Generated from swagger-v1.51.yaml by scripts/generate-api.ts. Do not edit.
import type { StructShape } from "./decode.ts";

export const BODY_SHAPES = ${JSON.stringify(Object.fromEntries(shapes), undefined, 2)} as const satisfies Record<string, StructShape>;
`;
}

function shapeOf(schema: Schema, name?: string): object | string {
  if (schema.$ref) return shapeOf(resolved(schema), schema.$ref.replace("#/definitions/", ""));
  const fields = fieldsOf(schema);
  if (fields) return { goType: name ?? "struct", fields };
  if (schema.items) return { list: shapeOf(schema.items) };
  if (schema.type === "string" || schema.type === "boolean" || schema.type === "integer") return schema.type;
  const values = schema.additionalProperties;
  if (values && typeof values === "object") return { map: shapeOf(values) };
  if (schema.type === "object" && schema.enum) return "empty";
  throw new Error(`no shape for ${JSON.stringify(schema)}`);
}

function resolved(schema: Schema): Schema {
  return schema.$ref ? (document.definitions[schema.$ref.replace("#/definitions/", "")] ?? {}) : schema;
}

function fieldsOf(schema: Schema): Record<string, object | string> | undefined {
  if (schema.allOf) {
    const parts = schema.allOf.map((part) => shapeOf(part) as { fields?: Record<string, object> });
    return Object.assign({}, ...parts.map((part) => part.fields));
  }
  if (!schema.properties) return undefined;
  return Object.fromEntries(Object.entries(schema.properties).map(([key, field]) => [key, shapeOf(field)]));
}
