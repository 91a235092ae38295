import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type Digest, parseDigest } from "#api/oci";
import { KeyedLock } from "#lib/async";
import { EngineError } from "#lib/errors";
import { DirectorySync, fileError, fileSize, isAbsent, syncDirectory } from "#lib/fs";
import type { ContentStore } from "./content.ts";
import { blobName, digestOf } from "./digest.ts";
import { type Lease, Leases } from "./leases.ts";

/** Configs and manifests are small; whatever is larger is streamed. */
const DEFAULT_READ_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * Opens the store in a directory, which is made when missing.
 *
 *     ROOT/sha256/HEX     the blobs
 *     ROOT/sidecars/HEX   what is known about some of them; it comes before its blob and goes after it
 *     ROOT/tmp/…          what is being written; `clean` empties it
 */
export async function createContentStore(root: string): Promise<ContentStore> {
  const store = new DirectoryStore(root);
  await store.makeFolders();
  return store;
}

class DirectoryStore implements ContentStore {
  readonly #root: string;
  readonly #blobs: string;
  readonly #sidecars: string;
  readonly #temporary: string;
  readonly #sync: DirectorySync;
  readonly #leases = new Leases();
  /** Orders, for each digest, leasing and publishing against collecting. */
  readonly #publishing = new KeyedLock();

  constructor(root: string) {
    this.#root = root;
    this.#blobs = join(root, "sha256");
    this.#sidecars = join(root, "sidecars");
    this.#temporary = join(root, "tmp");
    this.#sync = new DirectorySync(this.#blobs);
  }

  async makeFolders(): Promise<void> {
    for (const folder of [this.#blobs, this.#sidecars, this.#temporary])
      await mkdir(folder, { recursive: true, mode: 0o700 });
    await syncDirectory(this.#root);
  }

  async write(
    source: AsyncIterable<Uint8Array>,
    expected: { digest?: Digest; size?: number; lease?: Lease } = {},
  ): Promise<{ digest: Digest; size: number }> {
    const { digest, lease } = expected;
    if (digest !== undefined && (await this.#hold(digest, lease))) return verify(await measure(source), expected);
    const temporary = this.temporaryPath();
    try {
      await using file = await open(temporary, "wx", 0o600);
      const written = verify(await measure(source, file), expected);
      await file.sync();
      await this.#publish({ path: temporary, digest: written.digest }, lease);
      return written;
    } catch (error) {
      throw fileError("write blob", error);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async adopt(file: { path: string; digest: Digest; sidecar?: string }, lease: Lease): Promise<void> {
    try {
      await this.#publish(file, lease);
    } catch (error) {
      throw fileError("write blob", error);
    } finally {
      for (const path of [file.path, file.sidecar]) if (path !== undefined) await rm(path, { force: true });
    }
  }

  async put(bytes: Uint8Array, lease?: Lease): Promise<Digest> {
    const digest = digestOf(bytes);
    const { digest: written } = await this.write(once(bytes), { digest, ...(lease === undefined ? {} : { lease }) });
    return written;
  }

  lease(): Lease {
    return this.#leases.take();
  }

  async collect(digest: Digest, isUsed: () => boolean): Promise<boolean> {
    return await this.#publishing.run(digest, async () => {
      // In this order: a lease ends after the record is there, so whoever finds no lease finds the record.
      if (this.#leases.isHeld(digest) || isUsed()) return false;
      await this.remove(digest);
      return true;
    });
  }

  async has(digest: Digest): Promise<boolean> {
    return (await fileSize(this.path(digest))) !== undefined;
  }

  async size(digest: Digest): Promise<number> {
    const size = await fileSize(this.path(digest));
    if (size === undefined) throw noSuchBlob(digest);
    return size;
  }

  async diskBytes(digest: Digest): Promise<number> {
    const sizes = await Promise.all([this.path(digest), this.sidecar(digest)].map(fileSize));
    return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  }

  async read(digest: Digest, limitBytes = DEFAULT_READ_LIMIT_BYTES): Promise<Uint8Array> {
    const size = await this.size(digest);
    if (size > limitBytes)
      throw new EngineError("invalid-parameter", `read blob "${digest}": ${size} bytes are more than ${limitBytes}`);
    try {
      return await readFile(this.path(digest));
    } catch (error) {
      throw isAbsent(error) ? noSuchBlob(digest) : fileError(`read blob "${digest}"`, error);
    }
  }

  open(digest: Digest, range?: { start: number; end: number }): Readable {
    return createReadStream(this.path(digest), { highWaterMark: 1024 * 1024, ...range });
  }

  path(digest: Digest): string {
    return join(this.#blobs, blobName(digest));
  }

  sidecar(digest: Digest): string {
    return join(this.#sidecars, blobName(digest));
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.path(digest), { force: true });
    await rm(this.sidecar(digest), { force: true });
    await this.#sync.sync();
  }

  async list(): Promise<Digest[]> {
    const names = await readdir(this.#blobs);
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => parseDigest(`sha256:${name}`));
  }

  temporaryPath(): string {
    return join(this.#temporary, randomUUID());
  }

  async clean(): Promise<void> {
    await rm(this.#temporary, { recursive: true, force: true });
    await this.makeFolders();
    const blobs = new Set(await readdir(this.#blobs));
    for (const name of await readdir(this.#sidecars))
      if (!blobs.has(name)) await rm(join(this.#sidecars, name), { force: true });
  }

  /** Gives a synced file its name, under the lease. One that is there already stays. */
  async #publish(file: { path: string; digest: Digest; sidecar?: string }, lease: Lease | undefined): Promise<void> {
    await this.#publishing.run(file.digest, async () => {
      lease?.add(file.digest);
      if (await this.has(file.digest)) return;
      if (file.sidecar !== undefined) await rename(file.sidecar, this.sidecar(file.digest));
      await rename(file.path, this.path(file.digest));
      await this.#sync.sync();
    });
  }

  /** Leases a blob if it is there; with the lease it stays. */
  #hold(digest: Digest, lease: Lease | undefined): Promise<boolean> {
    return this.#publishing.run(digest, () => {
      lease?.add(digest);
      return this.has(digest);
    });
  }
}

/** Hashes and counts a stream to its end, and copies it to a file if there is one. */
async function measure(
  source: AsyncIterable<Uint8Array>,
  file?: FileHandle,
): Promise<{ digest: Digest; size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    size += chunk.byteLength;
    if (file !== undefined) await writeAll(file, chunk);
  }
  return { digest: parseDigest(`sha256:${hash.digest("hex")}`), size };
}

/** One `write` may be short when the disk is nearly full; the next one then tells why. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) done += (await file.write(bytes, done)).bytesWritten;
}

function verify(
  written: { digest: Digest; size: number },
  expected: { digest?: Digest; size?: number },
): { digest: Digest; size: number } {
  if (expected.size !== undefined && written.size !== expected.size)
    throw new EngineError("invalid-parameter", `write blob: expected ${expected.size} bytes, got ${written.size}`);
  if (expected.digest !== undefined && written.digest !== expected.digest)
    throw new EngineError(
      "invalid-parameter",
      `write blob: expected digest "${expected.digest}", got "${written.digest}"`,
    );
  return written;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function noSuchBlob(digest: Digest): EngineError {
  return new EngineError("not-found", `no such blob: "${digest}"`);
}
