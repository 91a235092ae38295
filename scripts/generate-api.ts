/**
 * Writes src/api/engine/types.ts from the Engine API's swagger file, one exported type for each
 * definition. Run it after the swagger file changed: `bun scripts/generate-api.ts`; with `--check` it
 * only compares and fails when the generated file is stale.
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

const source = new URL("../src/api/engine/swagger-v1.51.yaml", import.meta.url);
const target = new URL("../src/api/engine/types.ts", import.meta.url);

const document = parse(readFileSync(source, "utf8")) as { definitions: Record<string, Schema> };
const output = generate(document.definitions);
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== output) {
    console.error(`${target.pathname} is stale: run "bun scripts/generate-api.ts"`);
    process.exit(1);
  }
} else {
  writeFileSync(target, output);
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
