import { type FileHandle, open } from "node:fs/promises";

/** How much one read of a client takes at once. */
const CHUNK_BYTES = 256 * 1024;

/**
 * A file that one writer fills while any number of readers follow, each at its own pace and from the beginning. The last byte is
 * held back until the writer says that the whole is right, so that nobody takes damaged content for complete.
 */
export class GrowingFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #size: number;
  #written = 0;
  #end: { readonly error?: unknown } | undefined;
  /** Resolved, and replaced, whenever there is more. */
  #more = Promise.withResolvers<void>();

  private constructor(path: string, file: FileHandle, size: number) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
  }

  /** Makes a file, which is to have `size` bytes. */
  static async create(path: string, size: number): Promise<GrowingFile> {
    return new GrowingFile(path, await open(path, "wx", 0o600), size);
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.byteLength; ) {
      done += (await this.#file.write(bytes, done, bytes.byteLength - done, this.#written + done)).bytesWritten;
    }
    this.#written += bytes.byteLength;
    this.#wake();
  }

  /** The whole is right, or `error` is why there will never be more. Readers go on with what there is. */
  async finish(error?: unknown): Promise<void> {
    this.#end ??= error === undefined ? {} : { error };
    this.#wake();
    await this.#file.close();
  }

  /** From the beginning to the end. @throws what `finish` was told; the reason of the signal */
  async *read(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const gone = Promise.withResolvers<never>();
    gone.promise.catch(() => undefined); // when nobody waits just now
    signal.addEventListener("abort", () => gone.reject(signal.reason), { once: true });
    signal.throwIfAborted();
    await using file = await open(this.#path, "r");
    for (let position = 0; position < this.#size; ) {
      const available = Math.min(this.#readable - position, CHUNK_BYTES);
      if (available > 0) {
        const { bytesRead, buffer } = await file.read(new Uint8Array(available), 0, available, position);
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      } else if (this.#end !== undefined) {
        throw this.#end.error ?? new Error("the file is shorter than it should be");
      } else await Promise.race([this.#more.promise, gone.promise]);
    }
  }

  get #readable(): number {
    const isWhole = this.#end !== undefined && !("error" in this.#end);
    return isWhole ? this.#written : Math.min(this.#written, this.#size - 1);
  }

  #wake(): void {
    const { resolve } = this.#more;
    this.#more = Promise.withResolvers<void>();
    resolve();
  }
}
