import { type Digest, hexOf, isDigest } from "#api/oci";
import type { BlobStore, ByteRange } from "../blobs/blob-store.ts";
import { digestMismatch, noSuchBlob, noSuchUpload } from "../blobs/errors.ts";
import { algorithmOf, digestOfStream, UploadHashes } from "../blobs/upload-hashes.ts";
import type { Bucket } from "./bucket.ts";

/** What a blob is made of: an upload's objects, one for each request that brought bytes. */
interface BlobRecord {
  readonly upload: string;
  /** Sizes, in order. */
  readonly parts: readonly number[];
}

/** Records and open uploads that are remembered. They can be read again. */
const REMEMBERED = 4096;
/** Digits of an offset in a key, so that keys sort as numbers do. */
const OFFSET_DIGITS = 16;
/** Smaller chunks are objects of their own, too, but each costs a request more for every reader. */
const CHUNK_MIN_BYTES = 5 * 1024 * 1024;

/**
 * Blobs in a bucket. S3 has neither renaming nor appending, so bytes stay where they arrive, and a blob is a record that says where:
 *
 *     data/UPLOAD/OFFSET     what one request brought
 *     uploads/UPLOAD         there while the upload is open; holds the digest that it is about to become, or was
 *     blobs/sha256/HEX       the record
 *
 * Whatever order a crash leaves: without a record there is no blob; an `uploads` entry says that the data is to be removed, unless
 * the record of the digest in it is of that upload. So finishing writes digest, record, and removes the entry; removing a blob writes the
 * entry, removes the record, then the data, then the entry.
 */
export class S3BlobStore implements BlobStore {
  readonly chunkMinBytes = CHUNK_MIN_BYTES;
  readonly #bucket: Bucket;
  readonly #hashes = new UploadHashes();
  readonly #records = new Map<Digest, BlobRecord>();
  readonly #open = new Map<string, number[]>();

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async find(digest: Digest): Promise<number | undefined> {
    const record = await this.#findRecord(digest);
    return record && sum(record.parts);
  }

  async body(digest: Digest, range?: ByteRange): Promise<ReadableStream<Uint8Array>> {
    const record = await this.#findRecord(digest);
    if (record === undefined) throw noSuchBlob(digest);
    const { upload, parts } = record;
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return this.#bucket.stream(dataKey(upload, 0), range);
    return streamOf(this.#partsOf(record, range));
  }

  async redirect(digest: Digest): Promise<string | undefined> {
    const record = await this.#findRecord(digest);
    return record?.parts.length === 1 ? this.#bucket.presign(dataKey(record.upload, 0)) : undefined;
  }

  async remove(digest: Digest): Promise<void> {
    const record = await this.#findRecord(digest);
    if (record === undefined) return;
    await this.#bucket.write(uploadKey(record.upload), digest);
    await this.#bucket.remove(recordKey(digest));
    this.#records.delete(digest);
    await this.#removeData(record.upload);
  }

  async *list(): AsyncGenerator<Digest> {
    for await (const { key } of this.#bucket.list("blobs/")) {
      const digest = key.slice("blobs/".length).replace("/", ":");
      if (isDigest(digest)) yield digest;
    }
  }

  async startUpload(id: string): Promise<void> {
    await this.#bucket.write(uploadKey(id), "");
    this.#remember(this.#open, id, []);
  }

  async uploadSize(id: string): Promise<number> {
    return sum(await this.#partsOfUpload(id));
  }

  async append(id: string, source: AsyncIterable<Uint8Array>): Promise<number> {
    const parts = await this.#partsOfUpload(id);
    const offset = sum(parts);
    let writer: ReturnType<Bucket["writer"]> | undefined;
    let size = 0;
    try {
      try {
        for await (const chunk of source) {
          if (chunk.byteLength === 0) continue;
          writer ??= this.#bucket.writer(dataKey(id, offset));
          await writer.write(chunk);
          this.#hashes.update(id, offset + size, chunk);
          size += chunk.byteLength;
        }
      } finally {
        // What arrived before the source failed stays, too.
        await writer?.end();
      }
    } catch (error) {
      // Perhaps nothing of this is stored: the next request looks what there is.
      this.#open.delete(id);
      throw error;
    }
    if (size > 0) this.#remember(this.#open, id, [...parts, size]);
    return offset + size;
  }

  async finishUpload(id: string, digest: Digest): Promise<{ size: number }> {
    const parts = await this.#partsOfUpload(id);
    const size = sum(parts);
    const record = { upload: id, parts };
    const algorithm = algorithmOf(digest);
    const actual = this.#hashes.take(id, size, algorithm) ?? (await digestOfStream(this.#partsOf(record), algorithm));
    if (actual !== digest) {
      await this.removeUpload(id);
      throw digestMismatch(digest, actual);
    }
    if ((await this.#findRecord(digest)) !== undefined) await this.removeUpload(id);
    else {
      await this.#bucket.write(uploadKey(id), digest);
      await this.#bucket.write(recordKey(digest), JSON.stringify(record));
      await this.#bucket.remove(uploadKey(id));
      this.#remember(this.#records, digest, record);
      this.#open.delete(id);
    }
    return { size };
  }

  async removeUpload(id: string): Promise<void> {
    this.#hashes.forget(id);
    this.#open.delete(id);
    if (!isUploadId(id)) return;
    const entry = await this.#bucket.find(uploadKey(id));
    if (entry === undefined) return;
    if (await this.#isBlob(id, entry)) await this.#bucket.remove(uploadKey(id));
    else await this.#removeData(id);
  }

  /** Whether a crash came between the last two steps of finishing the upload. */
  async #isBlob(id: string, entry: string): Promise<boolean> {
    return isDigest(entry) && (await this.#findRecord(entry))?.upload === id;
  }

  async *listUploads(): AsyncGenerator<string> {
    for await (const { key } of this.#bucket.list("uploads/")) yield key.slice("uploads/".length);
  }

  /** The upload's entry goes last. */
  async #removeData(id: string): Promise<void> {
    for await (const { key } of this.#bucket.list(`data/${id}/`)) await this.#bucket.remove(key);
    await this.#bucket.remove(uploadKey(id));
  }

  async *#partsOf({ upload, parts }: BlobRecord, range?: ByteRange): AsyncGenerator<Uint8Array> {
    let offset = 0;
    for (const size of parts) {
      const start = Math.max(0, (range?.start ?? 0) - offset);
      const end = Math.min(size - 1, (range?.end ?? Number.POSITIVE_INFINITY) - offset);
      if (start <= end) yield* this.#bucket.stream(dataKey(upload, offset), { start, end });
      offset += size;
    }
  }

  /** Sizes of what has arrived; a gap, which nothing of ours makes, would end it. */
  async #partsOfUpload(id: string): Promise<number[]> {
    const remembered = this.#open.get(id);
    if (remembered !== undefined) return remembered;
    const entry = isUploadId(id) ? await this.#bucket.find(uploadKey(id)) : undefined;
    if (entry === undefined || (await this.#isBlob(id, entry))) throw noSuchUpload(id);
    const parts: number[] = [];
    for await (const { key, size } of this.#bucket.list(`data/${id}/`)) {
      if (key !== dataKey(id, sum(parts))) break;
      parts.push(size);
    }
    this.#remember(this.#open, id, parts);
    return parts;
  }

  async #findRecord(digest: Digest): Promise<BlobRecord | undefined> {
    const remembered = this.#records.get(digest);
    if (remembered !== undefined) return remembered;
    const text = await this.#bucket.find(recordKey(digest));
    if (text === undefined) return undefined;
    const record = JSON.parse(text) as BlobRecord;
    this.#remember(this.#records, digest, record);
    return record;
  }

  #remember<K, V>(map: Map<K, V>, key: K, value: V): void {
    map.set(key, value);
    if (map.size <= REMEMBERED) return;
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
}

function streamOf(source: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await source.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await source.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

function isUploadId(id: string): boolean {
  return /^[\w-]+$/.test(id);
}

function uploadKey(id: string): string {
  return `uploads/${id}`;
}

function dataKey(id: string, offset: number): string {
  return `data/${id}/${String(offset).padStart(OFFSET_DIGITS, "0")}`;
}

/** @throws `invalid-parameter`: no key comes out of what is no digest */
function recordKey(digest: Digest): string {
  if (!isDigest(digest)) throw noSuchBlob(digest);
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
