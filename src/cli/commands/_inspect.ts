import { EngineError, isKind } from "#lib/errors";
import type { Context } from "../context.ts";
import { describeFailure } from "../failure.ts";

const INDENT = 4;

export interface InspectCall {
  readonly names: readonly string[];
  /** Empty for indented JSON of all in one array, `json` for a line each, else a template. */
  readonly format: string;
  find(name: string): Promise<object>;
}

/**
 * Shows objects in full. Those that are there are shown even if others are not; the missing ones are told at the end
 * and make the exit code 1.
 *
 * @throws EngineError `invalid-parameter` for a template that does not parse or does not fit an object.
 */
export async function inspectEach(context: Context, { names, format, find }: InspectCall): Promise<number> {
  const render = await renderer(format);
  const found: object[] = [];
  const failures: string[] = [];
  for (const name of names) {
    try {
      found.push(await find(name));
    } catch (error) {
      if (isKind(error, "canceled") || (error instanceof EngineError && error.data.connecting === true)) throw error;
      failures.push(await describeFailure(error));
    }
  }
  const { text, fault } = render(found);
  context.io.stdout.write(text);
  if (fault !== undefined) throw fault;
  if (failures.length > 0) throw new EngineError("not-found", failures.join("\n"));
  return 0;
}

/** What there is to print, and the error that ended it early. */
interface Rendered {
  readonly text: string;
  readonly fault?: EngineError;
}

async function renderer(format: string): Promise<(objects: readonly object[]) => Rendered> {
  if (format === "") return (objects) => ({ text: `${JSON.stringify(objects, undefined, INDENT)}\n` });
  if (format === "json") return (objects) => ({ text: `${JSON.stringify(objects)}\n` });
  const { inspectTemplate } = await import("../format/template-format.ts");
  return inspectTemplate(format);
}
