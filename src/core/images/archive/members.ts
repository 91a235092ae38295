/**
 * Reads an archive of images once, from front to back. Only its manifest, which may come last, tells what was what, so a member is
 * treated by its looks: what is small stays in memory, a tar goes to the content store as a layer at once, and all else waits in a
 * file until somebody says what it is.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { posix } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Descriptor } from "#api/oci";
import type { Lease } from "#core/content";
import { Slots } from "#lib/async";
import { decompress, peek } from "#lib/compression";
import { fileError, textOf } from "#lib/fs";
import { tap } from "#lib/stream";
import { readTar, type TarMember } from "#lib/tar";
import { invalidArchive } from "../errors.ts";
import { type IngestContext, type IngestedLayer, storeLayer } from "../ingest/store-layer.ts";

const LIMITS = {
  /** The largest real configs have some ten KiB. */
  documentBytes: 4 * 1024 * 1024,
  /** What is no document is kept in memory below this: a file would cost more. */
  smallBytes: 128 * 1024,
  /** Of all that is kept in memory. */
  memoryBytes: 64 * 1024 * 1024,
  members: 65_536,
  links: 16,
} as const;
/** Layers that are read from files at once. */
const LAYERS_AT_ONCE = 3;

/** What became of a member. */
type Member =
  | { readonly kind: "small"; readonly bytes: Uint8Array }
  | { readonly kind: "file"; readonly file: string; readonly size: number }
  | { readonly kind: "layer"; readonly layer: Promise<IngestedLayer> };

export interface ReadOptions {
  readonly context: IngestContext;
  readonly lease: Lease;
  /** Called as layers come in. */
  readonly progress: (member: { path: string; current: number; total: number }) => void;
  readonly signal: AbortSignal;
}

/** The members of an archive by their normalised paths, links followed. When it is disposed of, nothing of it is under way any more. */
export class ArchiveMembers implements AsyncDisposable {
  readonly #options: ReadOptions;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #members = new Map<string, Member>();
  readonly #links = new Map<string, string>();
  readonly #layers = new Map<string, Promise<IngestedLayer>>();
  readonly #slots = new Slots(() => LAYERS_AT_ONCE);
  #files: string[] = [];
  #memoryBytes = 0;
  #count = 0;

  constructor(options: ReadOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#abort.signal]);
  }

  /** @throws `invalid-parameter` for a malformed archive */
  async read(archive: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const member of readTar(decompress(archive))) {
      this.#signal.throwIfAborted();
      if (++this.#count > LIMITS.members) throw invalidArchive(`archive has more than ${LIMITS.members} members`);
      await this.#add(member);
    }
  }

  has(path: string): boolean {
    return this.#members.has(this.#resolve(path));
  }

  /** A document, if such a member is there. */
  find(path: string): Uint8Array | undefined {
    const member = this.#members.get(this.#resolve(path));
    return member?.kind === "small" ? member.bytes : undefined;
  }

  /** @throws `invalid-parameter` when it is missing, or too large to be a document */
  document(path: string): Uint8Array {
    const bytes = this.find(path);
    if (bytes) return bytes;
    throw this.has(path) ? invalidArchive(`"${path}" in archive is no document`) : noSuchMember(path);
  }

  /** The layer that a member is. @throws `invalid-parameter` when it is missing or none */
  layer(path: string): Promise<IngestedLayer> {
    const resolved = this.#resolve(path);
    const layer = this.#layers.get(resolved) ?? this.#makeLayer(resolved, path);
    this.#layers.set(resolved, layer);
    return layer;
  }

  /** Has a member in the content store as it is, under the lease. @throws `invalid-parameter` when it is not what the descriptor says */
  async keep(path: string, { digest, size }: Pick<Descriptor, "digest" | "size">): Promise<void> {
    const { context, lease } = this.#options;
    const member = this.#members.get(this.#resolve(path));
    if (member === undefined) throw noSuchMember(path);
    if (member.kind === "layer") {
      const { diffID } = await member.layer;
      if (diffID !== digest) throw invalidArchive(`invalid digest of blob: expected "${digest}", got "${diffID}"`);
      return;
    }
    const source = member.kind === "small" ? once(member.bytes) : createReadStream(member.file);
    await context.content.write(source as AsyncIterable<Uint8Array>, { digest, size, lease });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await Promise.allSettled(this.#layers.values());
    for (const file of this.#files) await rm(file, { force: true });
  }

  async #add({ entry, body }: TarMember): Promise<void> {
    const path = normalise(textOf(entry.name));
    // Like a file system, a later member of a name replaces an earlier one.
    this.#forget(path);
    if (entry.type === "symlink") this.#links.set(path, normalise(joinLink(path, textOf(entry.linkName))));
    else if (entry.type === "link") this.#links.set(path, normalise(textOf(entry.linkName)));
    else if (entry.type === "file") this.#members.set(path, await this.#take(path, body, entry.storedSize));
  }

  async #take(path: string, body: AsyncIterable<Uint8Array>, size: number): Promise<Member> {
    const { head, stream } = await peek(body, HEAD_BYTES);
    const isDocument = TOP_DOCUMENTS.includes(path) || looksLikeDocument(head);
    if (isDocument && size <= LIMITS.documentBytes) {
      if (this.#memoryBytes + size > LIMITS.memoryBytes)
        throw invalidArchive(`documents in archive are larger than ${LIMITS.memoryBytes} bytes`);
      return await this.#remember(stream, size);
    }
    if (size <= LIMITS.smallBytes && this.#memoryBytes + size <= LIMITS.memoryBytes)
      return await this.#remember(stream, size);
    return isTar(head) ? await this.#stream(path, stream, size) : await this.#spool(stream, size);
  }

  async #remember(stream: AsyncIterable<Uint8Array>, size: number): Promise<Member> {
    this.#memoryBytes += size;
    return { kind: "small", bytes: Buffer.concat(await Array.fromAsync(stream)) };
  }

  /** The next member can be read when this one is: the layer may take a little longer. */
  async #stream(path: string, stream: AsyncIterable<Uint8Array>, size: number): Promise<Member> {
    const isRead = Promise.withResolvers<void>();
    async function* watched() {
      yield* stream;
      isRead.resolve();
    }
    const layer = this.#store(path, watched(), size);
    this.#layers.set(path, layer);
    // Whether it is a layer at all matters only to those who want it to be one.
    await Promise.race([isRead.promise, layer.catch(() => undefined)]);
    this.#signal.throwIfAborted();
    return { kind: "layer", layer };
  }

  async #spool(stream: AsyncIterable<Uint8Array>, size: number): Promise<Member> {
    const file = this.#options.context.content.temporaryPath();
    this.#files.push(file);
    try {
      await pipeline(stream, createWriteStream(file, { mode: 0o600, highWaterMark: 1024 * 1024 }));
    } catch (error) {
      throw fileError("store member of archive", error);
    }
    return { kind: "file", file, size };
  }

  async #makeLayer(resolved: string, path: string): Promise<IngestedLayer> {
    const member = this.#members.get(resolved);
    if (member === undefined) throw noSuchMember(path);
    if (member.kind === "layer") return await member.layer;
    return await this.#slots.run(() => {
      if (member.kind === "small") return this.#store(resolved, once(member.bytes), member.bytes.byteLength);
      return this.#store(resolved, createReadStream(member.file, READING) as AsyncIterable<Uint8Array>, member.size);
    }, this.#signal);
  }

  #store(path: string, source: AsyncIterable<Uint8Array>, total: number): Promise<IngestedLayer> {
    const { context, lease, progress } = this.#options;
    let current = 0;
    const counted = tap(source, (chunk) => {
      current += chunk.byteLength;
      progress({ path, current, total });
    });
    const layer = storeLayer(context, { source: counted, bytes: total }, { lease, signal: this.#signal });
    layer.catch(() => undefined);
    return layer;
  }

  #forget(path: string): void {
    const before = this.#members.get(path);
    if (before?.kind === "small") this.#memoryBytes -= before.bytes.byteLength;
    this.#members.delete(path);
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

const READING = { highWaterMark: 1024 * 1024 };

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
  return /^\s*[[{]/.test(latin1(head)) && !isTar(head);
}

function isTar(head: Uint8Array): boolean {
  return latin1(head).slice(257, 262) === "ustar";
}

function latin1(head: Uint8Array): string {
  return Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString("latin1");
}

function noSuchMember(path: string) {
  return invalidArchive(`no such file in archive: ${path}`);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
