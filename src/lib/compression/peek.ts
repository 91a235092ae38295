/**
 * Looks at the first bytes of a stream, whose pieces need to last only until the next one is asked for. `head` is shorter than asked only at the end; `stream` gives all bytes, those
 * of the head included, and must be read or returned.
 */
export async function peek(
  source: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<{ head: Uint8Array; stream: AsyncGenerator<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let have = 0;
  while (have < bytes) {
    const next = await iterator.next();
    if (next.done) break;
    // A whole head is passed on before the next piece is asked for; of a part nobody else takes care.
    chunks.push(have + next.value.byteLength < bytes ? next.value.slice() : next.value);
    have += next.value.byteLength;
  }
  const head = Buffer.concat(chunks, Math.min(have, bytes));
  return { head, stream: replay(chunks, iterator) };
}

async function* replay(chunks: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    // Harmless when it has ended.
    await rest.return?.();
  }
}
