import { messageOf } from "#lib/errors";
import { invalidAnswer } from "./errors.ts";
import { nextPage } from "./link.ts";
import type { Session } from "./session.ts";

/** A page of a thousand names has some ten thousand bytes; some registries know no pages. */
const PAGE_LIMIT_BYTES = 16 * 1024 * 1024;
/** What a registry may make us read in all. */
const PAGES_LIMIT = 10_000;
const NAMES_LIMIT = 1_000_000;

/**
 * The names under `field` of all pages of a list: `tags/list`, `/v2/_catalog`. They are read as they are asked for.
 *
 * @throws `invalid-parameter` for an answer that is no such list, and for one without end
 */
export async function* namesOf(
  session: Session,
  target: string,
  options: { field: string; signal: AbortSignal },
): AsyncGenerator<string> {
  let next: string | URL | undefined = target;
  let count = 0;
  for (let pages = 0; next !== undefined; pages += 1) {
    if (pages === PAGES_LIMIT) throw invalidAnswer(`${target}: more than ${PAGES_LIMIT} pages`);
    const page = await readPage(session, next, options);
    count += page.names.length;
    if (count > NAMES_LIMIT) throw invalidAnswer(`${target}: more than ${NAMES_LIMIT} names`);
    yield* page.names;
    next = page.next;
  }
}

async function readPage(
  session: Session,
  target: string | URL,
  { field, signal }: { field: string; signal: AbortSignal },
) {
  await using answer = await session.request(target, { method: "GET", signal, expect: [200] });
  const bytes = await answer.read(PAGE_LIMIT_BYTES);
  return { names: readNames(bytes, field), next: nextPage(answer.headers.get("link"), answer.url) };
}

function readNames(bytes: Uint8Array, field: string): string[] {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw invalidAnswer(`error unmarshalling content: ${messageOf(cause)}`);
  }
  // Some registries say null when there are none.
  const names = (document as Record<string, unknown> | null)?.[field] ?? [];
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) {
    throw invalidAnswer(`error unmarshalling content: "${field}" is no list of names`);
  }
  return names;
}
