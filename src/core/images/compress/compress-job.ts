/** The work of compressing a layer for a registry, done in a thread of its own. */
import { createHash } from "node:crypto";
import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from "node:fs";
import { type Digest, parseDigest } from "#api/oci";
import { nextTurn } from "#lib/async";
import { fileError } from "#lib/fs";
import type { Job } from "#lib/workers";

export interface CompressInput {
  /** A layer's tar. */
  readonly tar: string;
  /** What is to become its compressed form. It does not exist. */
  readonly target: string;
}

export interface CompressOutput {
  readonly digest: Digest;
  readonly size: number;
}

/**
 * So much of the tar becomes one member of the gzip file: members follow one another without end (RFC 1952, section 2.2), and each is
 * made in one call. Larger ones compress no better.
 */
const MEMBER_BYTES = 1024 * 1024;
/** Some 100 ms of work. */
const MEMBERS_PER_TURN = 16;

/** Files come out as small as by Docker's level 6 of zlib, in half of its time. */
const LEVEL = 2;

/**
 * Writes the gzip form of a tar, synced. The same tar gives the same bytes: nothing of the time or the machine goes in.
 * What it leaves when it fails is the caller's to remove.
 *
 * @throws `unavailable` when the disk is full; `canceled`
 */
export const compressLayerJob: Job<CompressInput, CompressOutput> = {
  name: "images/compress-layer",
  async run({ tar, target }, { signal }) {
    using source = new OpenFile(tar, "r");
    using output = new OpenFile(target, "wx");
    const hash = createHash("sha256");
    const piece = Buffer.allocUnsafe(MEMBER_BYTES);
    let size = 0;
    let members = 0;
    for (let isEnd = false; !isEnd; ) {
      const length = source.fill(piece);
      isEnd = length < MEMBER_BYTES;
      // Even nothing is one member.
      if (length === 0 && size > 0) break;
      const member = Bun.gzipSync(piece.subarray(0, length), { library: "libdeflate", level: LEVEL });
      hash.update(member);
      output.write(member);
      size += member.byteLength;
      // Now and then a message may come that the caller has given up.
      if (++members % MEMBERS_PER_TURN === 0) await nextTurn();
      signal.throwIfAborted();
    }
    output.sync();
    return { digest: parseDigest(`sha256:${hash.digest("hex")}`), size };
  },
};

class OpenFile implements Disposable {
  readonly #file: number;

  constructor(path: string, flags: "r" | "wx") {
    this.#file = onDisk(() => openSync(path, flags, 0o600));
  }

  /** Reads until the buffer is full or the file ends. */
  fill(buffer: Uint8Array): number {
    return onDisk(() => {
      let length = 0;
      for (let read = -1; read !== 0 && length < buffer.byteLength; length += read) {
        read = readSync(this.#file, buffer, length, buffer.byteLength - length, null);
      }
      return length;
    });
  }

  write(bytes: Uint8Array): void {
    onDisk(() => {
      for (let done = 0; done < bytes.byteLength; ) done += writeSync(this.#file, bytes, done);
    });
  }

  sync(): void {
    onDisk(() => fdatasyncSync(this.#file));
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

function onDisk<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw fileError("compress layer", error);
  }
}
