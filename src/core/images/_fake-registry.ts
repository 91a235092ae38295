/** Registries in memory, for tests: what they were asked, and faults where a test wants them. */
import { gzipSync } from "node:zlib";
import type { RepositoryName } from "#api/distribution";
import { type Descriptor, type Digest, isDigest, MEDIA_TYPES, type Platform } from "#api/oci";
import { digestOf } from "#core/content";
import { DEFAULT_REGISTRY_SETTINGS, type Registries, type RemoteRepository } from "#core/distribution";
import { EngineError } from "#lib/errors";

interface Repository {
  readonly manifests: Map<Digest, { readonly bytes: Uint8Array; readonly mediaType: string }>;
  readonly tags: Map<string, Digest>;
  readonly blobs: Map<Digest, Uint8Array>;
}

export type Compress = (layer: Uint8Array) => { readonly bytes: Uint8Array; readonly mediaType: string };

export const gzip: Compress = (layer) => ({ bytes: gzipSync(layer), mediaType: MEDIA_TYPES.ociLayerGzip });

/** Pieces in which blobs come. */
const PIECE_BYTES = 1000;

export class FakeRegistries implements Pick<Registries, "repository" | "settings"> {
  readonly settings: Registries["settings"];
  /** `pull docker.io/library/x: blob sha256:…`, in order. */
  readonly requests: string[] = [];
  /** Awaited before each request and each piece of a blob; may throw. */
  before: (request: string, signal: AbortSignal) => Promise<void> | void = () => {};
  readonly #repositories = new Map<string, Repository>();

  constructor(settings: Partial<Registries["settings"]> = {}) {
    this.settings = { ...DEFAULT_REGISTRY_SETTINGS, ...settings };
  }

  repository: Registries["repository"] = (name, { action }) => {
    const ask = async (what: string, signal: AbortSignal) => {
      this.requests.push(`${action} ${name}: ${what}`);
      await this.#pass(what, signal);
    };
    return fakeRepository(name, {
      of: (repository) => this.of(repository),
      ask,
      pass: (what, signal) => this.#pass(what, signal),
    });
  };

  /** A repository's content; made when there is none. */
  of(name: string): Repository {
    const found = this.#repositories.get(name) ?? { manifests: new Map(), tags: new Map(), blobs: new Map() };
    this.#repositories.set(name, found);
    return found;
  }

  putBlob(repository: string, bytes: Uint8Array, mediaType: string): Descriptor {
    const digest = digestOf(bytes);
    this.of(repository).blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.byteLength };
  }

  putManifest(
    repository: string,
    document: Record<string, unknown> & { readonly mediaType: string },
    tag?: string,
  ): Descriptor {
    const bytes = Buffer.from(JSON.stringify(document));
    const digest = digestOf(bytes);
    this.of(repository).manifests.set(digest, { bytes, mediaType: document.mediaType });
    if (tag !== undefined) this.of(repository).tags.set(tag, digest);
    return { mediaType: document.mediaType, digest, size: bytes.byteLength };
  }

  /** An image with its blobs; `change` makes its manifest a wrong one. */
  putImage(
    repository: string,
    image: { readonly config: Uint8Array; readonly layers: readonly Uint8Array[] },
    options: { tag?: string; compress?: Compress; change?: (manifest: Record<string, unknown>) => object } = {},
  ): Descriptor {
    const { tag, compress = gzip, change = (manifest) => manifest } = options;
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: this.putBlob(repository, image.config, MEDIA_TYPES.ociConfig),
      layers: image.layers.map((layer) => {
        const { bytes, mediaType } = compress(layer);
        return this.putBlob(repository, bytes, mediaType);
      }),
    };
    return this.putManifest(repository, change(manifest) as { mediaType: string }, tag);
  }

  putIndex(
    repository: string,
    entries: readonly (Descriptor & { readonly platform?: Platform })[],
    tag?: string,
  ): Descriptor {
    return this.putManifest(repository, { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: entries }, tag);
  }

  /** Requests since the last call, without the repository when there was one only. */
  takeRequests(): string[] {
    return this.requests.splice(0);
  }

  async #pass(what: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new EngineError("canceled", "context canceled");
    await this.before(what, signal);
    if (signal.aborted) throw new EngineError("canceled", "context canceled");
  }
}

interface Wire {
  readonly of: (repository: string) => Repository;
  readonly ask: (what: string, signal: AbortSignal) => Promise<void>;
  readonly pass: (what: string, signal: AbortSignal) => Promise<void>;
}

function fakeRepository(name: RepositoryName, { of, ask, pass }: Wire): RemoteRepository {
  const own = of(name);
  const host = name.slice(0, name.indexOf("/"));
  const find = (reference: string): { digest: Digest; bytes: Uint8Array; mediaType: string } => {
    const digest = isDigest(reference) ? reference : own.tags.get(reference);
    const found = digest && own.manifests.get(digest);
    if (!digest || !found) throw new EngineError("not-found", `manifest for ${name}:${reference} not found`);
    return { digest, ...found };
  };
  const describe = (reference: string): Descriptor => {
    const { digest, bytes, mediaType } = find(reference);
    return { digest, mediaType, size: bytes.byteLength };
  };
  return {
    name,
    async resolve(reference, signal) {
      await ask(`head ${reference}`, signal);
      return describe(reference);
    },
    async manifest(reference, signal) {
      await ask(`manifest ${reference}`, signal);
      return { descriptor: describe(reference), bytes: find(reference).bytes };
    },
    async *blob({ digest }, { signal, offset = 0 }) {
      await ask(`blob ${digest}`, signal);
      const bytes = own.blobs.get(digest);
      if (!bytes) throw new EngineError("not-found", "blob unknown: blob unknown to registry");
      for (let at = offset; at < bytes.byteLength; at += PIECE_BYTES) {
        await pass(`piece ${digest} ${at}`, signal);
        yield bytes.slice(at, at + PIECE_BYTES);
      }
    },
    async hasBlob(digest, signal) {
      await ask(`has ${digest}`, signal);
      return own.blobs.has(digest);
    },
    async mountBlob(digest, from, signal) {
      await ask(`mount ${digest} from ${from}`, signal);
      const bytes = of(`${host}/${from}`).blobs.get(digest);
      if (bytes) own.blobs.set(digest, bytes);
      return bytes !== undefined;
    },
    async pushBlob({ open, digest }, { signal, onProgress }) {
      await ask(`upload ${digest ?? "unknown"}`, signal);
      const pieces: Uint8Array[] = [];
      let sent = 0;
      for await (const piece of open(0)) {
        await pass(`sent ${digest ?? "unknown"} ${sent}`, signal);
        pieces.push(piece);
        sent += piece.byteLength;
        onProgress?.(sent);
      }
      const bytes = Buffer.concat(pieces);
      const actual = digestOf(bytes);
      if (digest !== undefined && digest !== actual) throw new EngineError("invalid-parameter", "digest invalid");
      own.blobs.set(actual, bytes);
      return { digest: actual, size: bytes.byteLength };
    },
    async putManifest(reference, { bytes, mediaType }, signal) {
      await ask(`put ${reference}`, signal);
      const document = JSON.parse(Buffer.from(bytes).toString());
      for (const blob of [...(document.config ? [document.config] : []), ...(document.layers ?? [])]) {
        if (!own.blobs.has(blob.digest)) throw new EngineError("not-found", `manifest blob unknown: ${blob.digest}`);
      }
      for (const entry of document.manifests ?? []) {
        if (!own.manifests.has(entry.digest)) throw new EngineError("not-found", `manifest unknown: ${entry.digest}`);
      }
      const digest = digestOf(bytes);
      own.manifests.set(digest, { bytes, mediaType });
      if (!isDigest(reference)) own.tags.set(reference, digest);
      return digest;
    },
    async tags(signal) {
      await ask("tags", signal);
      return [...own.tags.keys()];
    },
  };
}
