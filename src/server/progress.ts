import type { Progress } from "#core/images";
import { messageOf } from "#lib/errors";
import type { HttpResponse } from "#lib/http";

/**
 * Answers 200 at once, then tells what happens line by line; a failure, too, since the status is out by then.
 * This is what clients of `load` and `push` expect.
 */
export function progressStream(progress: AsyncIterable<Progress>): HttpResponse {
  return { status: 200, headers: { "Content-Type": "application/json" }, body: lines(progress) };
}

/** The same for work whose failure before its first line is an answer of its own: `create` and `import`. */
export async function startedProgress(progress: AsyncGenerator<Progress>): Promise<HttpResponse> {
  const first = await progress.next();
  return progressStream(prepend(first, progress));
}

/** One object of a progress stream, as Go's encoder writes it: escaped for HTML, closed by CRLF (engine-api notes 5.5). */
export function progressLine(value: object): string {
  const escaped = JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `${escaped}\r\n`;
}

async function* lines(progress: AsyncIterable<Progress>): AsyncGenerator<string> {
  try {
    for await (const line of progress) yield progressLine(line);
  } catch (error) {
    const message = messageOf(error);
    yield progressLine({ errorDetail: { message }, error: message });
  }
}

async function* prepend(
  first: IteratorResult<Progress, unknown>,
  rest: AsyncIterable<Progress>,
): AsyncGenerator<Progress> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}
