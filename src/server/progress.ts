import type { Progress } from "#core/images";
import { messageOf } from "#lib/errors";
import type { HttpResponse } from "#lib/http";

/** Answers 200 at once and tells what happens line by line, a failure too: the status is out by then. */
export function progressStream(progress: AsyncIterable<Progress>): HttpResponse {
  return { status: 200, headers: { "Content-Type": "application/json" }, body: lines(progress) };
}

async function* lines(progress: AsyncIterable<Progress>): AsyncGenerator<string> {
  try {
    for await (const line of progress) yield progressLine(line);
  } catch (error) {
    const message = messageOf(error);
    yield progressLine({ errorDetail: { message }, error: message });
  }
}

/** One object of a progress stream, as Go's encoder writes it: escaped for HTML, closed by CRLF. */
export function progressLine(value: object): string {
  const escaped = JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `${escaped}\r\n`;
}
