import type { Descriptor } from "#api/oci";
import type { Answer } from "./answer.ts";
import { invalidAnswer, temporary } from "./errors.ts";
import { parseContentRange } from "./ranges.ts";
import type { Session } from "./session.ts";

/** A part of a blob on its way in. */
export interface BlobRange extends AsyncDisposable {
  /** False: the server knows no ranges, and sends the whole blob each time. */
  readonly isRange: boolean;
  /** Exactly the bytes that were asked for. @throws `unavailable` (temporary) when fewer come, `invalid-parameter` when more do */
  read(): AsyncGenerator<Uint8Array>;
}

/** Asks for the bytes from `start` up to, without, `end`. @throws `invalid-parameter` when the blob has another size there */
export async function openRange(
  session: Session,
  blob: Descriptor,
  { start, end, signal }: { start: number; end: number; signal: AbortSignal },
): Promise<BlobRange> {
  const isPart = start > 0 || end < blob.size;
  const answer = await session.request(`blobs/${blob.digest}`, {
    method: "GET",
    ...(isPart && { headers: { Range: `bytes=${start}-${end - 1}` } }),
    signal,
    expect: isPart ? [200, 206, 416] : [200],
  });
  try {
    checkSize(answer, blob, { start, end });
  } catch (error) {
    await answer[Symbol.asyncDispose]();
    throw error;
  }
  const isRange = answer.status === 206;
  const window = isRange
    ? { skip: 0, take: end - start, isLast: true }
    : { skip: start, take: end - start, isLast: end === blob.size };
  return {
    isRange,
    read: () => cut(answer, blob, window),
    [Symbol.asyncDispose]: () => answer[Symbol.asyncDispose](),
  };
}

function checkSize(answer: Answer, blob: Descriptor, { start, end }: { start: number; end: number }): void {
  if (answer.status === 416) throw wrongSize(blob, "fewer");
  const { length } = answer;
  if (answer.status === 200) {
    if (length !== undefined && length !== blob.size) throw wrongSize(blob, String(length));
    return;
  }
  const range = parseContentRange(answer.headers.get("content-range"));
  // Fewer bytes than asked for are allowed: the rest is asked for again.
  if (range ? range.start !== start || range.end >= end : length !== end - start) {
    throw invalidAnswer(`blob ${blob.digest}: asked for bytes ${start}-${end - 1}, the registry sends others`);
  }
  if (range?.total !== undefined && range.total !== blob.size) throw wrongSize(blob, String(range.total));
}

/** Passes over the first bytes of the body, then gives as many as were asked for. */
async function* cut(
  answer: Answer,
  blob: Descriptor,
  { skip, take, isLast }: { skip: number; take: number; isLast: boolean },
): AsyncGenerator<Uint8Array> {
  let passed = 0;
  const end = skip + take;
  for await (const chunk of answer.stream()) {
    const from = passed;
    passed += chunk.length;
    if (passed > end && isLast) throw wrongSize(blob, "more");
    if (passed > skip) yield chunk.subarray(Math.max(skip - from, 0), Math.min(end - from, chunk.length));
    // What follows of the whole blob was not asked for.
    if (passed >= end && !isLast) return;
  }
  if (passed < end) throw temporary(`blob ${blob.digest}: unexpected EOF`);
}

function wrongSize(blob: Descriptor, found: string): Error {
  return invalidAnswer(`blob ${blob.digest}: the registry has ${found} bytes, the manifest says ${blob.size}`);
}
