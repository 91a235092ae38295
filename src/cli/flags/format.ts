/** Flags that several commands have, with the same words. */
import type { Filters } from "#client";
import { EngineError } from "#lib/errors";
import { type Flag, list, string } from "./flag.ts";

const REFER = `Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates`;

export const formatHelp = `Format output using a custom template:
'table':            Print output in table format with column headers (default)
'table TEMPLATE':   Print output in table format using the given Go template
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template.
${REFER}`;

export const inspectFormatHelp = `Format output using a custom template:
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template.
${REFER}`;

/** `--format` of lists. */
export function formatFlag(): Flag<string> {
  return string({ help: formatHelp });
}

/** `-f`, `--format` of commands that show one thing in full. */
export function inspectFormatFlag(): Flag<string> {
  return string({ short: "f", help: inspectFormatHelp });
}

export function filterFlag(help: string, short?: string): Flag<readonly string[]> {
  return list({ type: "filter", help, ...(short === undefined ? {} : { short }), check: checkFilter });
}

function checkFilter(text: string): string {
  if (text !== "" && !text.includes("=")) {
    throw new EngineError("invalid-parameter", "bad format of filter (expected name=value)");
  }
  return text;
}

/** `key=value` filters by key, keys in lower case. */
export function toFilters(filters: readonly string[]): Filters {
  const byKey = new Map<string, string[]>();
  for (const filter of filters) {
    if (filter === "") continue;
    const equals = filter.indexOf("=");
    const key = filter.slice(0, equals).trim().toLowerCase();
    byKey.set(key, [...(byKey.get(key) ?? []), filter.slice(equals + 1).trim()]);
  }
  return byKey;
}
