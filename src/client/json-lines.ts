import { EngineError } from "#lib/errors";

/** One message may be this long: an event with very many labels, a progress line. */
const MAX_LINE_BYTES = 16 << 20;

/** Decodes JSON values separated by line ends, as events, stats and progress come. */
export async function* parseJsonLines<T>(
  body: AsyncIterable<Uint8Array>,
  parse: (line: string) => T = JSON.parse,
): AsyncGenerator<T, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_BYTES) throw new EngineError("internal", "the engine sent a message without an end");
    for (const line of lines) if (line.trim() !== "") yield parse(line);
  }
  if (rest.trim() !== "") yield parse(rest);
}
