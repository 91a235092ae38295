import type { Readable } from "node:stream";
import type { Digest } from "#api/oci";
import type { Lease } from "./leases.ts";

/**
 * Immutable blobs by digest, as files `ROOT/sha256/HEX`. A blob is there whole or not at all: writers stream into a
 * temporary name while they hash, fsync, then rename. Uncompressed layer tars live here under their diffID,
 * configs under the image ID, manifests under their own digest.
 */
export interface ContentStore {
  /**
   * Streams a blob in. Writing one that is there already is fine. The lease has the blob before it is visible.
   * @throws `invalid-parameter` when `expected` does not match
   */
  write(
    source: AsyncIterable<Uint8Array>,
    expected?: { digest?: Digest; size?: number; lease?: Lease },
  ): Promise<{ digest: Digest; size: number }>;
  /**
   * Takes in a blob that was written to `temporaryPath()`, synced and hashed already. Neither file is there afterwards, whatever comes
   * of it; where the blob is there already it stays as it is, since somebody may have mounted it.
   *
   * @param sidecar - a file, written in the same way, that becomes the blob's
   */
  adopt(file: { path: string; digest: Digest; sidecar?: string }, lease: Lease): Promise<void>;
  /** A small blob at once. */
  put(bytes: Uint8Array, lease?: Lease): Promise<Digest>;
  /** To be disposed of when records refer to the blobs, or nobody ever will. */
  lease(): Lease;
  /** Removes a blob unless it is leased or `isUsed`, which is asked at the last moment; true when it was removed. */
  collect(digest: Digest, isUsed: () => boolean): Promise<boolean>;
  has(digest: Digest): Promise<boolean>;
  /** @throws `not-found` */
  size(digest: Digest): Promise<number>;
  /** Bytes of its file, and of its sidecar if there is one; 0 when it is not there. */
  diskBytes(digest: Digest): Promise<number>;
  /** The whole of a small blob. @throws `not-found`; `invalid-parameter` beyond `limitBytes` (default 16 MiB) */
  read(digest: Digest, limitBytes?: number): Promise<Uint8Array>;
  /** Reads from `start` up to and including `end`, or all of it. Absence is an error of the stream. */
  open(digest: Digest, range?: { start: number; end: number }): Readable;
  /** The file of a blob, for mounts. It need not exist. */
  path(digest: Digest): string;
  /**
   * What was found out about a blob while it came in, and can be found out again: a file that goes with the blob. It need not exist.
   */
  sidecar(digest: Digest): string;
  remove(digest: Digest): Promise<void>;
  list(): Promise<Digest[]>;
  /** A file name in the store's own temporary folder, on the same filesystem as the blobs. */
  temporaryPath(): string;
  /** Removes what an interrupted writer left. Called once at start. */
  clean(): Promise<void>;
}
