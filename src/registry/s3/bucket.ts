import type { S3File } from "bun";
import { EngineError, messageOf } from "#lib/errors";

/** Where a bucket is and who may write to it. */
export interface BucketOptions {
  readonly bucket: string;
  /** `https://HOST[:PORT]`; left out it is Amazon's of the region. */
  readonly endpoint?: string;
  readonly region?: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Before every key, without a slash at its end: several registries in one bucket. */
  readonly prefix?: string;
  /** Carries the one request that Bun's client has no call for. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** Pieces in which a large object is sent; several are in memory at a time. S3 takes 10,000 of them, so 160 GB. */
const PIECE_BYTES = 16 * 1024 * 1024;
const PIECES_AT_ONCE = 2;
const PRESIGNED_SECONDS = 600;

/** One bucket, or the part of it below a prefix. Failures are EngineErrors: `not-found`, or `unavailable` with what S3 said. */
export class Bucket {
  readonly #client: Bun.S3Client;
  readonly #prefix: string;
  readonly #name: string;
  readonly #fetch: BucketOptions["fetch"];

  constructor({ prefix, fetch, ...options }: BucketOptions) {
    this.#client = new Bun.S3Client(options);
    this.#prefix = prefix === undefined || prefix === "" ? "" : `${prefix}/`;
    this.#name = options.bucket;
    this.#fetch = fetch;
  }

  async read(key: string): Promise<Uint8Array> {
    return await this.#tried("read", key, () => this.#file(key).bytes());
  }

  /** Undefined when there is none. */
  async find(key: string): Promise<string | undefined> {
    try {
      return await this.#tried("read", key, () => this.#file(key).text());
    } catch (error) {
      if (error instanceof EngineError && error.kind === "not-found") return undefined;
      throw error;
    }
  }

  stream(key: string, range?: { readonly start: number; readonly end: number }): ReadableStream<Uint8Array> {
    const file = this.#file(key);
    return (range === undefined ? file : file.slice(range.start, range.end + 1)).stream();
  }

  async write(key: string, content: string | Uint8Array | Blob): Promise<void> {
    await this.#tried("write", key, () => this.#file(key).write(content as Blob));
  }

  /** False, and nothing happens, when there is an object of that name, as far as the server knows `If-None-Match`. */
  async writeNew(key: string, content: string): Promise<boolean> {
    const url = this.#client.presign(this.#prefix + key, { method: "PUT", expiresIn: PRESIGNED_SECONDS });
    const response = await this.#tried("write", key, () =>
      this.#fetch(url, { method: "PUT", headers: { "If-None-Match": "*" }, body: content }),
    );
    await response.arrayBuffer();
    if (response.ok) return true;
    // 409: another request for the same key is under way.
    if (response.status === 412 || response.status === 409) return false;
    throw this.#failure("write", key, `status ${response.status}`);
  }

  /** Sends a stream as it comes: `write` resolves when there is room for more, `end` when the object is there. */
  writer(key: string): ObjectWriter {
    return new ObjectWriter(this.#file(key), (body) => this.#tried("write", key, body));
  }

  /** Absent is fine. */
  async remove(key: string): Promise<void> {
    await this.#tried("remove", key, () => this.#file(key).delete());
  }

  /** Keys with this prefix in lexical order. */
  async *list(prefix: string): AsyncGenerator<{ readonly key: string; readonly size: number }> {
    let startAfter: string | undefined;
    for (;;) {
      const page = await this.#tried("list", prefix, () =>
        this.#client.list({ prefix: this.#prefix + prefix, ...(startAfter === undefined ? {} : { startAfter }) }),
      );
      for (const { key, size } of page.contents ?? []) yield { key: key.slice(this.#prefix.length), size: size ?? 0 };
      startAfter = page.contents?.at(-1)?.key;
      if (!page.isTruncated || startAfter === undefined) return;
    }
  }

  /** A URL that gives the object to anybody for a few minutes. */
  presign(key: string): string {
    return this.#client.presign(this.#prefix + key, { expiresIn: PRESIGNED_SECONDS });
  }

  #file(key: string): S3File {
    return this.#client.file(this.#prefix + key);
  }

  async #tried<T>(action: string, key: string, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "NoSuchKey")
        throw new EngineError("not-found", `no such object: "${key}" in bucket "${this.#name}"`, { cause: error });
      throw this.#failure(action, key, messageOf(error), error);
    }
  }

  #failure(action: string, key: string, reason: string, cause?: unknown): EngineError {
    return new EngineError("unavailable", `${action} "${key}" in bucket "${this.#name}": ${reason}`, { cause });
  }
}

class ObjectWriter {
  readonly #sink: Bun.NetworkSink;
  readonly #tried: <T>(body: () => Promise<T>) => Promise<T>;
  #unsent = 0;

  constructor(file: S3File, tried: <T>(body: () => Promise<T>) => Promise<T>) {
    this.#sink = file.writer({ partSize: PIECE_BYTES, queueSize: PIECES_AT_ONCE, type: "application/octet-stream" });
    this.#tried = tried;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#tried(async () => {
      await this.#sink.write(bytes);
      this.#unsent += bytes.byteLength;
      if (this.#unsent < PIECE_BYTES) return;
      // The sink takes whatever it is given; flushing waits until pieces have gone.
      await this.#sink.flush();
      this.#unsent = 0;
    });
  }

  async end(): Promise<void> {
    await this.#tried(async () => await this.#sink.end());
  }
}
