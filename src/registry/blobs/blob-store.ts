import type { Digest } from "#api/oci";

/**
 * Bytes by digest, and bytes on their way in. Knows no repositories: who may see a blob, and when it goes, others decide.
 *
 * A blob is there whole or not at all. An **upload** is a growing sequence of bytes with a name; what `append` has returned is there
 * after a restart of the process.
 */
export interface BlobStore {
  /** Chunks below this are a burden to the storage; 0 where it does not matter. */
  readonly chunkMinBytes: number;
  /** The size of a blob, undefined when there is none. */
  find(digest: Digest): Promise<number | undefined>;
  /**
   * What a response carries: a file that the server sends by itself, or a stream; never the whole in memory. `range` includes its
   * end and lies within the blob.
   * @throws `not-found`, at once or, for a file, when it is sent
   */
  body(digest: Digest, range?: ByteRange): Promise<Blob | ReadableStream<Uint8Array>>;
  /** Where a client may fetch the blob by itself for a short time; undefined when it has to come through us. */
  redirect(digest: Digest): Promise<string | undefined>;
  /** Absent is fine. */
  remove(digest: Digest): Promise<void>;
  list(): AsyncIterable<Digest>;

  /** `id` is a name that was never used: letters, digits, `-` and `_`. */
  startUpload(id: string): Promise<void>;
  /** How many bytes an upload has. @throws `not-found` */
  uploadSize(id: string): Promise<number>;
  /**
   * Adds to the end of an upload; the size it has then. When the source fails, what arrived before stays and the failure is thrown.
   * Calls for one upload come one after another. @throws `not-found`
   */
  append(id: string, source: AsyncIterable<Uint8Array>): Promise<number>;
  /**
   * Makes the upload a blob, durably; the upload is gone then. Writing a blob that is there already is fine.
   * @throws `not-found`; `invalid-parameter` when its bytes have another digest, and the upload is gone then, too
   */
  finishUpload(id: string, digest: Digest): Promise<{ readonly size: number }>;
  /** Absent is fine. */
  removeUpload(id: string): Promise<void>;
  listUploads(): AsyncIterable<string>;
}

/** First and last byte, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}
