import { EngineError } from "#lib/errors";

/**
 * Reads one line of comma separated fields, of which some may be in double quotes (`""` inside means one).
 *
 * @throws EngineError `invalid-parameter` in the words of Go's `encoding/csv`.
 */
export function parseCsvLine(line: string): string[] {
  if (line === "") throw new EngineError("invalid-parameter", "EOF");
  const fields: string[] = [];
  let at = 0;
  while (at <= line.length) {
    const field = line[at] === '"' ? quotedField(line, at) : bareField(line, at);
    fields.push(field.text);
    at = field.next;
  }
  return fields;
}

function bareField(line: string, start: number): { text: string; next: number } {
  const comma = line.indexOf(",", start);
  const end = comma < 0 ? line.length : comma;
  const text = line.slice(start, end);
  const quote = text.indexOf('"');
  if (quote >= 0) throw fault(start + quote, 'bare " in non-quoted-field');
  return { text, next: end + 1 };
}

function quotedField(line: string, start: number): { text: string; next: number } {
  let text = "";
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] !== '"') text += line[at];
    else if (line[at + 1] === '"') text += line[at++];
    else if (at + 1 === line.length || line[at + 1] === ",") return { text, next: at + 2 };
    else throw fault(at, 'extraneous or missing " in quoted-field');
  }
  throw fault(line.length, 'extraneous or missing " in quoted-field');
}

function fault(column: number, message: string): EngineError {
  return new EngineError("invalid-parameter", `parse error on line 1, column ${column + 1}: ${message}`);
}
