/**
 * Reads an archive of images once, from front to back: what could be a document stays in memory, all else goes to the
 * content store as a layer, uncompressed. Only the manifest, which may come last, tells what was what.
 */
import { posix } from "node:path";
import type { Lease } from "#core/content";
import { decompress, peek } from "#lib/compression";
import { EngineError } from "#lib/errors";
import { textOf } from "#lib/fs";
import { tap } from "#lib/stream";
import { readTar, type TarEntry, type TarMember } from "#lib/tar";
import { invalidArchive } from "../errors.ts";
import { type IngestContext, storeLayer } from "../ingest/store-layer.ts";
import type { StoredLayer } from "../records.ts";

const LIMITS = {
  /** Kept in memory; the largest real configs have some ten KiB. */
  documentBytes: 4 * 1024 * 1024,
  allDocumentsBytes: 64 * 1024 * 1024,
  members: 65_536,
  links: 16,
} as const;

/** What came of a member: its blob, or why it could not be read as a layer. Only a member that is used must be one. */
type Outcome = StoredLayer | { readonly error: unknown };

export interface ReadOptions {
  readonly context: IngestContext;
  readonly lease: Lease;
  /** Called as layers come in. */
  readonly progress: (member: { path: string; current: number; total: number }) => void;
  readonly signal: AbortSignal;
}

/** The members of an archive by their normalised paths, links followed. */
export class ArchiveMembers {
  readonly #documents = new Map<string, Uint8Array>();
  readonly #layers = new Map<string, Outcome>();
  readonly #links = new Map<string, string>();
  readonly #options: ReadOptions;
  #documentBytes = 0;
  #count = 0;

  constructor(options: ReadOptions) {
    this.#options = options;
  }

  /** @throws `invalid-parameter` for a malformed archive */
  async read(archive: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const member of readTar(decompress(archive))) {
      this.#options.signal.throwIfAborted();
      if (++this.#count > LIMITS.members) throw invalidArchive(`archive has more than ${LIMITS.members} members`);
      await this.#add(member);
    }
  }

  /** A document, if such a member is there. */
  find(path: string): Uint8Array | undefined {
    return this.#documents.get(this.#resolve(path));
  }

  /** @throws `invalid-parameter` when it is missing, or too large to be a document */
  document(path: string): Uint8Array {
    const resolved = this.#resolve(path);
    const bytes = this.#documents.get(resolved);
    if (bytes) return bytes;
    if (this.#layers.has(resolved)) throw invalidArchive(`"${path}" in archive is no document`);
    throw noSuchMember(path);
  }

  /** @throws `invalid-parameter` when it is missing or could not be read */
  async layer(path: string): Promise<StoredLayer> {
    const resolved = this.#resolve(path);
    const found = this.#layers.get(resolved);
    if (found && "error" in found) throw found.error;
    if (found) return found;
    const document = this.#documents.get(resolved);
    if (!document) throw noSuchMember(path);
    // It looked like a document and is one of these layers that begin with a brace.
    return await this.#store(path, once(document), document.byteLength);
  }

  paths(): string[] {
    return [...this.#documents.keys(), ...this.#layers.keys(), ...this.#links.keys()];
  }

  async #add({ entry, body }: TarMember): Promise<void> {
    const path = normalise(textOf(entry.name));
    // Like a file system, a later member of a name replaces an earlier one.
    this.#forget(path);
    if (entry.type === "symlink") this.#links.set(path, normalise(joinLink(path, textOf(entry.linkName))));
    else if (entry.type === "link") this.#links.set(path, normalise(textOf(entry.linkName)));
    else if (entry.type === "file") await this.#addFile(path, entry, body);
  }

  async #addFile(path: string, entry: TarEntry, body: AsyncIterable<Uint8Array>): Promise<void> {
    const { head, stream } = await peek(body, HEAD_BYTES);
    const isDocument = TOP_DOCUMENTS.includes(path) || looksLikeDocument(head);
    if (isDocument && entry.size <= LIMITS.documentBytes) {
      this.#documentBytes += entry.size;
      if (this.#documentBytes > LIMITS.allDocumentsBytes) {
        throw invalidArchive(`documents in archive are larger than ${LIMITS.allDocumentsBytes} bytes`);
      }
      this.#documents.set(path, Buffer.concat(await Array.fromAsync(stream)));
      return;
    }
    try {
      this.#layers.set(path, await this.#store(path, stream, entry.storedSize));
    } catch (error) {
      if (!isMemberFault(error)) throw error;
      this.#layers.set(path, { error });
    }
  }

  #store(path: string, source: AsyncIterable<Uint8Array>, total: number): Promise<StoredLayer> {
    const { context, lease, progress, signal } = this.#options;
    let current = 0;
    const counted = tap(source, (chunk) => {
      signal.throwIfAborted();
      current += chunk.byteLength;
      progress({ path, current, total });
    });
    return storeLayer(context, { source: counted }, { lease, signal });
  }

  #forget(path: string): void {
    this.#documentBytes -= this.#documents.get(path)?.byteLength ?? 0;
    this.#documents.delete(path);
    this.#layers.delete(path);
    this.#links.delete(path);
  }

  #resolve(path: string): string {
    let resolved = normalise(path);
    for (let links = 0; links < LIMITS.links; links++) {
      const target = this.#links.get(resolved);
      if (target === undefined) return resolved;
      resolved = target;
    }
    throw invalidArchive(`too many links in archive: "${path}"`);
  }
}

/** Documents whatever is in them. */
const TOP_DOCUMENTS = ["/manifest.json", "/index.json", "/repositories"];

/** Enough to see a tar's magic. */
const HEAD_BYTES = 512;

/** Paths stay beneath the root of the archive whatever they say, as they would in a chroot. */
function normalise(path: string): string {
  return posix.normalize(`/${path}`).replace(/\/+$/, "");
}

function joinLink(path: string, target: string): string {
  return target.startsWith("/") ? target : posix.join(posix.dirname(path), target);
}

/** JSON begins with a brace or a bracket; a tar that does so too has its magic in the first block. */
function looksLikeDocument(head: Uint8Array): boolean {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString("latin1");
  return /^\s*[[{]/.test(text) && text.slice(257, 262) !== "ustar";
}

/** Something about the bytes of one member; the disk being full or the client gone is not. */
function isMemberFault(error: unknown): boolean {
  return error instanceof EngineError && error.kind === "invalid-parameter";
}

function noSuchMember(path: string): EngineError {
  return invalidArchive(`no such file in archive: ${path}`);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
