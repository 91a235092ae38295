import { RegistryError } from "../errors.ts";

/**
 * The body of a request as it arrives. What lies beyond `limitBytes` is not handed on: `beyond` is thrown. So is the reason of the
 * signal as soon as it aborts, and the failure of a connection that breaks.
 */
export async function* bodyOf(
  request: Request,
  options: { readonly signal: AbortSignal; readonly limitBytes: number; readonly beyond: () => Error },
): AsyncGenerator<Uint8Array> {
  const { signal, limitBytes, beyond } = options;
  if (request.body === null) return;
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  // A read that waits ends as if the body had.
  const stop = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener("abort", stop);
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      size += value.byteLength;
      if (size > limitBytes) throw beyond();
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

/** The whole of a small body. @throws MANIFEST_INVALID (413) beyond the limit */
export async function readBody(request: Request, limitBytes: number): Promise<Uint8Array> {
  const beyond = () =>
    new RegistryError("MANIFEST_INVALID", `manifest is larger than ${limitBytes} bytes`, { status: 413 });
  if (Number(request.headers.get("Content-Length") ?? 0) > limitBytes) throw beyond();
  const chunks: Uint8Array[] = [];
  for await (const chunk of bodyOf(request, { signal: request.signal, limitBytes, beyond })) chunks.push(chunk);
  return Buffer.concat(chunks);
}
