import { parseReference, type Reference, type RepositoryName, type Tag } from "#api/distribution";
import { type Descriptor, type Digest, isDigest } from "#api/oci";
import type { Slots } from "#lib/async";
import { EngineError, isKind } from "#lib/errors";
import type { FetchedManifest, OutgoingBlob, PushOptions, RemoteRepository } from "./distribution.ts";
import { downloadBlob } from "./download.ts";
import { canceled, isTemporary, pullError, throwIfCanceled } from "./errors.ts";
import { fetchManifest, putManifest, resolveManifest } from "./manifests.ts";
import { namesOf } from "./pages.ts";
import { type Patience, patiently } from "./retry.ts";
import type { Session } from "./session.ts";
import { uploadBlob } from "./upload.ts";
import { UploadSession } from "./upload-session.ts";

interface RepositoryParts {
  readonly name: RepositoryName;
  /** At its mirrors, and last at its registry. */
  readonly sessions: readonly Session[];
  /** What a path of the registry is called there. */
  readonly rewrite: (path: string) => string;
  readonly patience: Patience;
  readonly downloads: Slots;
  readonly uploads: Slots;
}

export function createRepository(parts: RepositoryParts): RemoteRepository {
  return new Repository(parts);
}

class Repository implements RemoteRepository {
  readonly name: RepositoryName;
  readonly #parts: RepositoryParts;
  readonly #origin: Session;

  constructor(parts: RepositoryParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#origin = parts.sessions[parts.sessions.length - 1] as Session;
  }

  resolve(reference: Tag | Digest, signal: AbortSignal): Promise<Descriptor> {
    return this.#readAnywhere(reference, signal, (session) => resolveManifest(session, reference, signal));
  }

  manifest(reference: Tag | Digest, signal: AbortSignal): Promise<FetchedManifest> {
    return this.#readAnywhere(reference, signal, (session) => fetchManifest(session, reference, signal));
  }

  async *blob(
    blob: Descriptor,
    { signal, offset = 0 }: { signal: AbortSignal; offset?: number },
  ): AsyncGenerator<Uint8Array> {
    const { sessions, patience, downloads } = this.#parts;
    using _slot = await take(downloads, signal);
    yield* downloadBlob({ sessions, blob, patience, signal }, offset);
  }

  async hasBlob(digest: Digest, signal: AbortSignal): Promise<boolean> {
    const head = { method: "HEAD", signal, expect: [200, 404] } as const;
    return patiently(this.#parts.patience, signal, async () => {
      await using answer = await this.#origin.request(`blobs/${digest}`, head);
      return answer.status === 200;
    });
  }

  async mountBlob(digest: Digest, from: string, signal: AbortSignal): Promise<boolean> {
    const source = this.#parts.rewrite(from);
    try {
      return await patiently(this.#parts.patience, signal, () =>
        UploadSession.mount(this.#origin, { digest, from: source }, signal),
      );
    } catch (error) {
      // A registry that does not let us read there, or knows no mounts. If it is something else, the upload will say so.
      if (error instanceof EngineError && !isTemporary(error) && !isKind(error, "canceled")) return false;
      throw error;
    }
  }

  async pushBlob(blob: OutgoingBlob, options: PushOptions): Promise<{ digest: Digest; size: number }> {
    using _slot = await take(this.#parts.uploads, options.signal);
    return await uploadBlob({ ...options, session: this.#origin, blob, patience: this.#parts.patience });
  }

  putManifest(
    reference: Tag | Digest,
    { bytes, mediaType }: { bytes: Uint8Array; mediaType: string },
    signal: AbortSignal,
  ): Promise<Digest> {
    return patiently(this.#parts.patience, signal, () =>
      putManifest(this.#origin, reference, { bytes, mediaType, signal }),
    );
  }

  tags(signal: AbortSignal): Promise<string[]> {
    return this.#readAnywhere(undefined, signal, (session) =>
      Array.fromAsync(namesOf(session, "tags/list", { field: "tags", signal })),
    );
  }

  /** The first mirror that can, else the registry itself: patience and words are for that one. */
  async #readAnywhere<T>(
    reference: Tag | Digest | undefined,
    signal: AbortSignal,
    read: (session: Session) => Promise<T>,
  ): Promise<T> {
    for (const mirror of this.#parts.sessions.slice(0, -1)) {
      try {
        return await read(mirror);
      } catch (error) {
        throwIfCanceled(signal);
        if (!(error instanceof EngineError)) throw error;
      }
    }
    try {
      return await patiently(this.#parts.patience, signal, () => read(this.#origin));
    } catch (error) {
      throw pullError(error, this.#referenceTo(reference));
    }
  }

  #referenceTo(reference: Tag | Digest | undefined): Reference {
    const name = parseReference(this.name);
    if (reference === undefined) return name;
    return isDigest(reference) ? { ...name, digest: reference } : { ...name, tag: reference };
  }
}

async function take(slots: Slots, signal: AbortSignal): Promise<Disposable> {
  try {
    return await slots.take(signal);
  } catch (error) {
    throw signal.aborted ? canceled() : error;
  }
}
