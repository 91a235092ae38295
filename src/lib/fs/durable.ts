import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Makes the names in a directory durable: what was created, renamed or removed in it survives a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, "r");
  await directory.sync();
}

/** Syncs one directory for many: who asks while a sync is under way shares the next one with all others who ask meanwhile. */
export class DirectorySync {
  readonly #path: string;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves when every change that was made in the directory before the call is durable. */
  sync(): Promise<void> {
    this.#next ??= this.#afterRunning();
    return this.#next;
  }

  async #afterRunning(): Promise<void> {
    // A failure is for those who asked for that one.
    await this.#running.catch(() => undefined);
    this.#next = undefined;
    this.#running = syncDirectory(this.#path);
    await this.#running;
  }
}

/** Renames a file or directory to its final name, durably; its content must be synced already. */
export async function publish(names: { from: string; to: string }): Promise<void> {
  await rename(names.from, names.to);
  await syncDirectory(dirname(names.to));
}

/**
 * Writes a file that is there whole or not at all, after a crash too: temporary name beside it, sync, rename.
 * An existing file is replaced.
 */
export async function writeAtomic(path: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  await buildAtomic(path, (file) => file.writeFile(data), mode);
}

/** Like `writeAtomic`, for a file that `build` writes piece by piece. Whatever `build` throws leaves nothing behind. */
export async function buildAtomic<T>(path: string, build: (file: FileHandle) => Promise<T>, mode = 0o600): Promise<T> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}${TEMPORARY_SUFFIX}`;
  try {
    await using file = await open(temporary, "wx", mode);
    const result = await build(file);
    await file.sync();
    await publish({ from: temporary, to: path });
    return result;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Names that end so are what a crash left of `writeAtomic` or `buildAtomic`. */
export const TEMPORARY_SUFFIX = ".tmp";
