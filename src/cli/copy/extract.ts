import { constants, type Stats } from "node:fs";
import { chmod, type FileHandle, link, lstat, lutimes, mkdir, open, symlink, unlink } from "node:fs/promises";
import { EngineError } from "#lib/errors";
import { type ByteString, byteString, bytesOf, fileError, isAbsent, pathParts, textOf } from "#lib/fs";
import { readTar, type TarEntry, type TarMember } from "#lib/tar";
import type { CopyTarget } from "./local-target.ts";

interface ExtractOptions extends CopyTarget {
  /** Told of what was left out. */
  readonly warn: (text: string) => void;
}

/**
 * Puts what an archive holds into a directory, as the user who runs this. The archive is not trusted: nothing is
 * written outside the directory, and no symlink in it is followed, were it made by the archive itself.
 *
 * @throws EngineError `invalid-parameter` for what would lead out, or replace a directory by something else
 */
export async function extractArchive(tar: AsyncIterable<Uint8Array>, options: ExtractOptions): Promise<void> {
  const extraction = new Extraction(options);
  for await (const member of readTar(tar)) await extraction.add(member);
  await extraction.finish();
}

class Extraction {
  readonly #options: ExtractOptions;
  readonly #root: ByteString;
  /** Directories that are none of somebody else's symlinks. */
  readonly #real = new Set<ByteString>();
  /** They get mode and time when all that is in them is there. */
  readonly #directories: { path: ByteString; entry: TarEntry }[] = [];

  constructor(options: ExtractOptions) {
    this.#options = options;
    this.#root = byteString(options.directory);
    this.#real.add(this.#root);
  }

  async add({ entry, body }: TarMember): Promise<void> {
    const path = await this.#place(entry.name);
    // The directory itself stays as it is.
    if (path === this.#root && entry.type === "directory") return;
    try {
      await this.#make(path, entry, body);
    } catch (error) {
      throw fileError(`write "${textOf(path)}"`, error);
    }
  }

  async finish(): Promise<void> {
    for (const { path, entry } of this.#directories.reverse()) {
      await chmod(bytesOf(path), entry.mode);
      await setTime(path, entry);
    }
  }

  async #make(path: ByteString, entry: TarEntry, body: AsyncIterable<Uint8Array>): Promise<void> {
    const before = await statOf(path);
    this.#checkKinds({ path, entry, before });
    switch (entry.type) {
      case "directory":
        if (before === undefined) await mkdir(bytesOf(path), 0o700);
        this.#real.add(path);
        this.#directories.push({ path, entry });
        return;
      case "file":
        await clear(path, before);
        return await writeFile(path, entry, body);
      case "symlink":
        await clear(path, before);
        await symlink(bytesOf(entry.linkName), bytesOf(path));
        return await setTime(path, entry);
      case "link":
        return await this.#link(path, { target: await this.#place(entry.linkName), before });
      default:
        this.#options.warn(`"${textOf(path)}" is left out: it is a ${entry.type}`);
    }
  }

  #checkKinds({ path, entry, before }: { path: ByteString; entry: TarEntry; before: Stats | undefined }): void {
    if (before === undefined || before.isDirectory() === (entry.type === "directory")) return;
    const { directory } = this.#options;
    const [old, made] = before.isDirectory() ? ["directory", "non-directory"] : ["non-directory", "directory"];
    throw invalid(`cannot overwrite ${old} "${textOf(path)}" with ${made} "${directory}"`);
  }

  /** Of a link that leads to itself nothing would be left. */
  async #link(path: ByteString, { target, before }: { target: ByteString; before: Stats | undefined }): Promise<void> {
    if ((await statOf(target))?.isFile() !== true || target === path)
      throw invalid(`"${textOf(path)}" links to what is no file: "${textOf(target)}"`);
    await clear(path, before);
    await link(bytesOf(target), bytesOf(path));
  }

  /** Where a name of the archive leads, the directories on the way made. */
  async #place(name: ByteString): Promise<ByteString> {
    const parts = pathParts(this.#renamed(name));
    if (parts.includes(".." as ByteString)) throw invalid(`"${textOf(name)}" leads out of the directory`);
    let path = this.#root;
    for (const part of parts) {
      await this.#enter(path);
      path = `${path === "/" ? "" : path}/${part}` as ByteString;
    }
    return path;
  }

  async #enter(directory: ByteString): Promise<void> {
    if (this.#real.has(directory)) return;
    const stats = await statOf(directory);
    if (stats === undefined) await mkdir(bytesOf(directory), 0o755);
    else if (!stats.isDirectory()) throw invalid(`"${textOf(directory)}" is in the way: it is no directory`);
    this.#real.add(directory);
  }

  #renamed(name: ByteString): ByteString {
    const { rename } = this.#options;
    if (rename === undefined) return name;
    const from = byteString(rename.from === "/" ? "" : rename.from);
    const plain = name.replace(/^\/+/, "");
    if (plain !== from && !plain.startsWith(from === "" ? "" : `${from}/`))
      throw invalid(`the archive holds "${textOf(name)}", which is not part of "${rename.from}"`);
    return `${byteString(rename.to)}/${plain.slice(from.length)}` as ByteString;
  }
}

async function statOf(path: ByteString): Promise<Stats | undefined> {
  try {
    return await lstat(bytesOf(path));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function clear(path: ByteString, before: Stats | undefined): Promise<void> {
  if (before !== undefined) await unlink(bytesOf(path));
}

const NEW_FILE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

/** Holes stay holes. */
async function writeFile(path: ByteString, entry: TarEntry, body: AsyncIterable<Uint8Array>): Promise<void> {
  await using file = await open(bytesOf(path), NEW_FILE, 0o600);
  const pending = [...(entry.segments ?? [{ offset: 0, size: entry.size }])].reverse();
  let written = 0;
  for await (const piece of body) {
    for (let rest = piece; rest.byteLength > 0; ) {
      const segment = pending.at(-1)!;
      const taken = rest.subarray(0, segment.size - written);
      await writeAll(file, taken, segment.offset + written);
      written += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
      if (written < segment.size) continue;
      pending.pop();
      written = 0;
    }
  }
  if (entry.segments !== undefined) await file.truncate(entry.size);
  await file.chmod(entry.mode);
  await file.utimes(secondsOf(entry), secondsOf(entry));
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; )
    done += (await file.write(bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
}

async function setTime(path: ByteString, entry: TarEntry): Promise<void> {
  await lutimes(bytesOf(path), secondsOf(entry), secondsOf(entry));
}

function secondsOf({ modified }: TarEntry): number {
  return modified.seconds + modified.nanoseconds / 1e9;
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
