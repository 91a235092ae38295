import type { ContentStore, Lease } from "#core/content";
import { decompress } from "#lib/compression";
import { TarScanner } from "#lib/tar";
import type { StoredLayer } from "../records.ts";

/**
 * Puts a layer into the content store, without its compression, and adds up the sizes of the files in it: what Docker
 * calls the size of a layer.
 *
 * @throws `invalid-parameter` when it is no tar, or cut off
 */
export async function storeLayer(
  content: ContentStore,
  source: AsyncIterable<Uint8Array>,
  lease: Lease,
): Promise<StoredLayer> {
  let fileBytes = 0;
  const scanner = new TarScanner((entry) => {
    fileBytes += entry.size;
  });
  const { digest, size } = await content.write(
    tap(decompress(source), (chunk) => scanner.push(chunk)),
    { lease },
  );
  scanner.end();
  return { diffID: digest, blobBytes: size, fileBytes };
}

/** Shows each piece to `look` as it passes. */
export async function* tap(
  source: AsyncIterable<Uint8Array>,
  look: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    look(chunk);
    yield chunk;
  }
}
