/** Shows each piece of a stream to `look` as it passes. */
export async function* tap(
  source: AsyncIterable<Uint8Array>,
  look: (piece: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    look(piece);
    yield piece;
  }
}
