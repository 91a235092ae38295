import type { Digest } from "#api/oci";
import type { Logger } from "#lib/log";
import type { Clock } from "#lib/time";
import type { BlobStore } from "./blobs/blob-store.ts";
import type { ManifestStore } from "./metadata/manifest-store.ts";
import type { RegistrySettings } from "./settings.ts";

/**
 * A registry as the OCI distribution specification 1.1 describes it: a function from requests to responses, over storage that
 * it is given. Sockets, TLS and timers are for whoever serves it.
 *
 * Words: a **repository** is a name under which things are kept; a **blob** is in a repository when it was uploaded or mounted
 * there, whatever other repositories have its bytes too; a **manifest** belongs to one repository and may have **tags**.
 */
export interface Registry {
  /** Answers every request below `/v2/`; never throws. */
  fetch(request: Request, peer: Peer): Promise<Response>;
  /**
   * One pass of the collector; writes go on meanwhile. With `sweep`, also what a crash left in the storage: once after each start
   * is enough.
   */
  collect(options?: { sweep?: boolean }): Promise<CollectReport>;
  /** Removes what the retention rules do not keep, or only says what it would. */
  retain(options?: { dryRun?: boolean }): Promise<RetentionReport>;
  /** The domain behind the wire, for a pull-through cache that fills it. */
  readonly content: RegistryContent;
}

/** Everything a registry is made of. */
export interface RegistryOptions {
  readonly blobs: BlobStore;
  readonly manifests: ManifestStore;
  readonly access: Access;
  readonly notify: Notify;
  /** Asked for what is missing here: a pull-through cache. */
  readonly upstream?: Upstream;
  readonly settings: RegistrySettings;
  readonly clock: Clock;
  readonly log: Logger;
  /** Unguessable; names uploads and events. */
  newId(): string;
}

/** The other end of the connection. */
export interface Peer {
  /** An IP address, for the audit log. */
  readonly address: string;
}

/** What may be done to a repository: the words of the token scope `repository:NAME:ACTIONS`. */
export type Action = "pull" | "push" | "delete";

/** What a request needs. The catalog is `registry:catalog:*` in a token. */
export type Scope =
  | { readonly repository: string; readonly actions: readonly Action[] }
  | { readonly registry: "catalog" };

/** Who asks. */
export interface Principal {
  /** Undefined for somebody who did not say. */
  readonly name: string | undefined;
}

/** Who may do what. */
export interface Access {
  /**
   * Decides one request. An empty list of scopes is the ping `GET /v2/`: whether somebody may talk to this registry at all.
   * The `challenge` is the whole answer to give instead: 401 with `WWW-Authenticate`, or 403 (see `errorResponse`).
   */
  authorize(request: Request, scopes: readonly Scope[], peer: Peer): Promise<Authorization> | Authorization;
}

export type Authorization =
  | {
      readonly principal: Principal;
      /** Which repositories a catalog lists for them; left out: all. */
      sees?(repository: string): boolean;
    }
  | { readonly challenge: Response };

/** Told about everything that happened, after it is durable. */
export interface Notify {
  /** Returns at once; delivery is its own affair. */
  emit(event: RegistryEvent): void;
}

export interface RegistryEvent {
  readonly id: string;
  readonly timeNano: bigint;
  readonly action: "push" | "pull" | "mount" | "delete";
  readonly repository: string;
  /** Undefined when a tag alone was deleted. */
  readonly digest?: Digest;
  readonly tag?: string;
  /** Of a manifest; `application/octet-stream` for a blob. */
  readonly mediaType?: string;
  readonly size?: number;
  /** Where a mounted blob came from. */
  readonly fromRepository?: string;
  readonly principal: Principal;
  readonly peer: Peer;
  readonly method: string;
  readonly userAgent: string | undefined;
}

/** Another registry that stands behind this one. It fills `content` and says when it did. */
export interface Upstream {
  /** Whether pulls from this repository go through it. Pushes to such a repository are refused. */
  covers(repository: string): boolean;
  /**
   * Brings what `reference` (a tag or digest) names upstream into `content`, or finds that what is there is current.
   * @returns undefined when upstream has no such thing; what is stored here, stale, is the answer when upstream cannot be asked
   * @throws `unavailable` when it cannot be asked, and nothing is here
   */
  manifest(
    repository: string,
    reference: string,
    signal: AbortSignal,
  ): Promise<{ readonly digest: Digest; readonly isStale?: boolean } | undefined>;
  /** A blob that is not in `content`: as it arrives, while it is stored on the side. */
  blob(
    repository: string,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<{ readonly size: number; readonly body: ReadableStream<Uint8Array> } | undefined>;
}

/** What a cache in front of another registry writes through. The same rules hold as for a push, but for the order of things. */
export interface RegistryContent {
  findTag(repository: string, tag: string): Digest | undefined;
  hasManifest(repository: string, digest: Digest): boolean;
  hasBlob(repository: string, digest: Digest): boolean;
  /**
   * Stores a manifest whose blobs may come later, and moves the tag when one is given. Durable when it resolves.
   * @throws `invalid-parameter` for what is no manifest
   */
  putManifest(
    repository: string,
    manifest: {
      readonly bytes: Uint8Array;
      readonly mediaType: string;
      readonly digest: Digest;
      readonly tag?: string;
    },
  ): Promise<void>;
  /** Forgets a manifest with its tags; the collector takes the blobs that nothing refers to any more. */
  removeManifest(repository: string, digest: Digest): Promise<void>;
  /** Streams a blob in, verified. A failing source leaves nothing. @throws `invalid-parameter` on another digest */
  putBlob(repository: string, digest: Digest, source: AsyncIterable<Uint8Array>): Promise<{ readonly size: number }>;
}

export interface CollectReport {
  /** Blobs whose bytes were removed, and how many bytes. */
  readonly blobs: number;
  readonly bytes: number;
  readonly manifests: number;
  readonly uploads: number;
}

export interface RetentionReport {
  readonly tags: readonly { readonly repository: string; readonly tag: string; readonly digest: Digest }[];
}
