import type { TarEntry } from "./entry.ts";

const ZEROS = new Uint8Array(64 * 1024);

/** The content of a member as it reads: the holes of a sparse file filled with zeros. */
export async function* expandSparse(
  { size, segments }: Pick<TarEntry, "size" | "segments">,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  if (segments === undefined) {
    yield* body;
    return;
  }
  const pending = segments.toReversed();
  let position = 0;
  for await (const piece of body) {
    for (let rest = piece; rest.byteLength > 0; ) {
      const segment = pending.at(-1)!;
      yield* zeros(segment.offset - position);
      position = Math.max(position, segment.offset);
      const taken = rest.subarray(0, segment.offset + segment.size - position);
      yield taken;
      position += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
      if (position === segment.offset + segment.size) pending.pop();
    }
  }
  yield* zeros(size - position);
}

function* zeros(count: number): Generator<Uint8Array, void> {
  for (let left = count; left > 0; left -= ZEROS.byteLength) yield ZEROS.subarray(0, Math.min(left, ZEROS.byteLength));
}
