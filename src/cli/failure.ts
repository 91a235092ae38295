import { EngineError } from "#lib/errors";

/** An error as people see it. A connection that failed gets advice; a bug of ours keeps its stack. */
export async function describeFailure(error: unknown): Promise<string> {
  if (!(error instanceof EngineError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (error.data.connecting !== true) return error.message;
  const { connectionAdvice } = await import("./connection-advice.ts");
  return connectionAdvice(error);
}
