import type { RepositoryName, Tag } from "#api/distribution";
import type { Descriptor, Digest } from "#api/oci";
import type { RegistrySettings } from "./settings.ts";

/** What a user proves to one registry. A registry token goes before an identity token, and that before a password. */
export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  /** A refresh token that an earlier login was given. */
  readonly identityToken?: string;
  /** A bearer token to be sent as it is. */
  readonly registryToken?: string;
  /** The registry that all this is meant for: a host, perhaps with a port, or an address with a scheme. Empty: Docker Hub. */
  readonly serverAddress?: string;
}

/** Every registry of the world, as this engine is configured to reach it: mirrors, certificates, proxies, insecure ones. */
export interface Registries {
  /**
   * One repository: to pull as seen through its mirrors, to push by itself. Nothing is asked yet. Credentials go to the
   * registry of the repository alone, never to a mirror nor to where it redirects.
   */
  repository(name: RepositoryName, options: RepositoryOptions): RemoteRepository;
  /**
   * Asks the registry whether it takes these credentials.
   *
   * @throws `unauthorized` when it does not, `unavailable` when it cannot be reached
   */
  login(credentials: Credentials, signal: AbortSignal): Promise<LoginResult>;
  /**
   * Searches Docker Hub, or the registry whose host the term begins with, by the v1 search, else its catalog.
   *
   * @throws `invalid-parameter` for a term that cannot be searched for, `unauthorized`, `unavailable`
   */
  search(term: string, options: SearchOptions): Promise<SearchResult[]>;
  /** As configured now; a reload may change it. */
  readonly settings: RegistrySettings;
}

export interface RepositoryOptions {
  readonly credentials?: Credentials;
  readonly action: "pull" | "push";
  /** Further headers of every request to the registry: Docker's `X-Meta-*`. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LoginResult {
  /** `Login Succeeded`. */
  readonly status: string;
  /** To be kept in place of the password; empty when the registry gives none. */
  readonly identityToken: string;
}

export interface SearchOptions {
  /** 1 to 100. */
  readonly limit: number;
  readonly credentials?: Credentials;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface SearchResult {
  readonly name: string;
  readonly description: string;
  readonly starCount: number;
  readonly isOfficial: boolean;
  readonly isAutomated: boolean;
}

/**
 * One repository of a registry. What fails for a moment (a broken connection, 5xx, 429) is tried again with growing pauses, as
 * often as configured. All methods end with `canceled` once their signal is aborted, and hold no connection then.
 *
 * @throws everywhere `not-found`, `unauthorized`, `forbidden`, `unavailable` in Docker's words
 */
export interface RemoteRepository {
  readonly name: RepositoryName;
  /** What a tag or digest names, without its bytes where the registry can tell. */
  resolve(reference: Tag | Digest, signal: AbortSignal): Promise<Descriptor>;
  /**
   * A manifest or index, whatever its type. Its bytes have the digest that was asked for, and are at most `MANIFEST_LIMIT_BYTES`.
   *
   * @throws `invalid-parameter` for a document that is none, or of schema 1
   */
  manifest(reference: Tag | Digest, signal: AbortSignal): Promise<FetchedManifest>;
  /**
   * The bytes of a blob as stored, in order, from `offset` on; exactly as many as the descriptor says. A connection that breaks is
   * resumed where it ended, a large blob comes over several at once. To check the digest is the caller's.
   */
  blob(
    descriptor: Descriptor,
    options: { readonly signal: AbortSignal; readonly offset?: number },
  ): AsyncIterable<Uint8Array>;
  /** Asks this registry itself, not its mirrors. */
  hasBlob(digest: Digest, signal: AbortSignal): Promise<boolean>;
  /** True when the registry took the blob over from its repository `from` (a path, without the registry). */
  mountBlob(digest: Digest, from: string, signal: AbortSignal): Promise<boolean>;
  /** Uploads one blob: at once or in chunks, resumed after a break. What was begun and failed is cancelled at the registry. */
  pushBlob(blob: OutgoingBlob, options: PushOptions): Promise<{ digest: Digest; size: number }>;
  /** @returns the digest under which the registry keeps it, which is that of the bytes */
  putManifest(
    reference: Tag | Digest,
    manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
    signal: AbortSignal,
  ): Promise<Digest>;
  /** All of them, in the registry's order. */
  tags(signal: AbortSignal): Promise<string[]>;
}

export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** A blob on its way out. Without digest and size it is streamed, and its digest computed on the way. */
export interface OutgoingBlob {
  /** The bytes from `offset` on; called again, with another offset, after a failure. The same bytes each time. */
  open(offset: number): AsyncIterable<Uint8Array>;
  readonly digest?: Digest;
  readonly size?: number;
}

export interface PushOptions {
  readonly signal: AbortSignal;
  /** How many bytes have gone out in all. Smaller than before when a part has to be sent again. */
  onProgress?(bytes: number): void;
}
