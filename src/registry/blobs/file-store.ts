import { createReadStream } from "node:fs";
import { type FileHandle, link, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, hexOf, isDigest } from "#api/oci";
import { errnoOf, fileError, isAbsent, publish, syncDirectory } from "#lib/fs";
import type { BlobStore, ByteRange } from "./blob-store.ts";
import { digestMismatch, noSuchBlob, noSuchUpload } from "./errors.ts";
import { algorithmOf, digestOfStream, UploadHashes } from "./upload-hashes.ts";

const ALGORITHMS = ["sha256", "sha512"] as const;

/** A store of the same kind on this machine, such as a daemon's: its files never change and are named by digest. */
export interface SharedFiles {
  /** Where its file of a blob is, or would be. Must be on the same filesystem to be of use. */
  path(digest: Digest): string | undefined;
}

/**
 * Blobs as files, in a directory that is made when missing.
 *
 *     ROOT/sha256/HEX, ROOT/sha512/HEX   the blobs, the layout of an OCI image layout's `blobs`
 *     ROOT/uploads/ID                    what has arrived of an upload
 *
 * An upload becomes a blob by a rename. Where `shared` has the same blob, a hard link to its file takes the upload's place: both stores
 * have it, the disk has it once, and either may remove its own name at any time.
 */
export async function createFileBlobStore(options: { root: string; shared?: SharedFiles }): Promise<BlobStore> {
  for (const folder of [...ALGORITHMS, "uploads"])
    await mkdir(join(options.root, folder), { recursive: true, mode: 0o700 });
  await syncDirectory(options.root);
  return new FileBlobStore(options.root, options.shared);
}

class FileBlobStore implements BlobStore {
  readonly chunkMinBytes = 0;
  readonly #root: string;
  readonly #shared: SharedFiles | undefined;
  readonly #hashes = new UploadHashes();

  constructor(root: string, shared: SharedFiles | undefined) {
    this.#root = root;
    this.#shared = shared;
  }

  find(digest: Digest): Promise<number | undefined> {
    return sizeOf(this.#path(digest));
  }

  async body(digest: Digest, range?: ByteRange): Promise<Blob> {
    const file = Bun.file(this.#path(digest), { type: "application/octet-stream" });
    return range === undefined ? file : file.slice(range.start, range.end + 1);
  }

  async redirect(): Promise<undefined> {
    return undefined;
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.#path(digest), { force: true });
    await syncDirectory(join(this.#root, algorithmOf(digest)));
  }

  async *list(): AsyncGenerator<Digest> {
    for (const algorithm of ALGORITHMS)
      for (const name of await readdir(join(this.#root, algorithm))) {
        const digest = `${algorithm}:${name}`;
        if (isDigest(digest)) yield digest;
      }
  }

  async startUpload(id: string): Promise<void> {
    await using _file = await open(this.#uploadPath(id), "wx", 0o600);
  }

  async uploadSize(id: string): Promise<number> {
    const size = await sizeOf(this.#uploadPath(id));
    if (size === undefined) throw noSuchUpload(id);
    return size;
  }

  async append(id: string, source: AsyncIterable<Uint8Array>): Promise<number> {
    await using file = await this.#openUpload(id, "r+");
    let { size } = await file.stat();
    for await (const chunk of source) {
      await writeAll(file, chunk, size);
      this.#hashes.update(id, size, chunk);
      size += chunk.byteLength;
    }
    return size;
  }

  async finishUpload(id: string, digest: Digest): Promise<{ size: number }> {
    const path = this.#uploadPath(id);
    await using file = await this.#openUpload(id, "r");
    const { size } = await file.stat();
    const algorithm = algorithmOf(digest);
    const actual = this.#hashes.take(id, size, algorithm) ?? (await digestOfStream(createReadStream(path), algorithm));
    if (actual !== digest) {
      await this.removeUpload(id);
      throw digestMismatch(digest, actual);
    }
    if (await this.#linkShared(digest)) await this.removeUpload(id);
    else {
      await file.sync();
      await publish({ from: path, to: this.#path(digest) });
    }
    return { size };
  }

  async removeUpload(id: string): Promise<void> {
    this.#hashes.forget(id);
    await rm(this.#uploadPath(id), { force: true });
  }

  async *listUploads(): AsyncGenerator<string> {
    yield* await readdir(join(this.#root, "uploads"));
  }

  /** True when the blob is there by the file of the other store; false to store a file of our own. */
  async #linkShared(digest: Digest): Promise<boolean> {
    const shared = this.#shared?.path(digest);
    if (shared === undefined) return false;
    try {
      await link(shared, this.#path(digest));
      await syncDirectory(join(this.#root, algorithmOf(digest)));
      return true;
    } catch (error) {
      // Already ours; otherwise it is not there, on another filesystem, or has too many links: then a copy is right.
      return errnoOf(error) === "EEXIST";
    }
  }

  async #openUpload(id: string, flags: "r" | "r+"): Promise<FileHandle> {
    try {
      return await open(this.#uploadPath(id), flags);
    } catch (error) {
      throw isAbsent(error) ? noSuchUpload(id) : fileError("open upload", error);
    }
  }

  #path(digest: Digest): string {
    if (!isDigest(digest)) throw noSuchBlob(digest);
    return join(this.#root, algorithmOf(digest), hexOf(digest));
  }

  #uploadPath(id: string): string {
    if (!/^[\w-]+$/.test(id)) throw noSuchUpload(id);
    return join(this.#root, "uploads", id);
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw fileError("look for blob", error);
  }
}

/** One `write` may be short when the disk is nearly full; the next one then tells why. */
async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  try {
    while (done < bytes.byteLength)
      done += (await file.write(bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
  } catch (error) {
    throw fileError("write upload", error);
  }
}
