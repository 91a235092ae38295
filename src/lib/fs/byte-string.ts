/**
 * A name or path as the kernel has it: bytes, held one per character (U+0000 to U+00FF). Linux names are not text:
 * a string decoded as UTF-8 would lose those that are not, and JavaScript would sort the others differently.
 * Comparing two of these compares their bytes. ASCII looks the same either way.
 */
export type ByteString = string & { readonly __brand: "ByteString" };

/** The bytes of a text in UTF-8. */
export function byteString(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1") as ByteString;
}

/** Takes the bytes as they are. */
export function byteStringFrom(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1") as ByteString;
}

/** For people: what is no UTF-8 shows as U+FFFD. */
export function textOf(bytes: ByteString): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** For system calls: a path in the form that `node:fs` passes on unchanged. */
export function bytesOf(bytes: ByteString): Buffer {
  return Buffer.from(bytes, "latin1");
}
