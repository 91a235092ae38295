/** Rules for what is in a repository. What rules for some repositories leave out comes from the rules for all. */
export interface RepositorySettings {
  /** Refuses pushes and deletions. */
  readonly readOnly?: boolean;
  /** Whether clients may delete manifests, tags and blobs (default true); else 405. */
  readonly allowDelete?: boolean;
  /** Patterns of tags that, once set, keep their manifest: `v*`, `[0-9]*.[0-9]*`. Retention rules may remove them still. */
  readonly immutableTags?: readonly string[];
  /** How many bytes the repository may hold: each blob once, manifests included. */
  readonly quotaBytes?: number;
  /** Which tags are kept. A tag that fits no rule stays. */
  readonly retention?: readonly RetentionRule[];
  /** Removes manifests that no tag, index or subject has referred to for this time. Left out: they stay. */
  readonly untaggedAfterMs?: number;
}

/**
 * For tags that fit the pattern and no rule before: one stays when it is among the newest `keepNewest` of them or was set less than
 * `maxAgeMs` ago. A manifest that loses its last tag this way goes with it.
 */
export interface RetentionRule {
  readonly tags: string;
  readonly keepNewest?: number;
  readonly maxAgeMs?: number;
}

/** The registry's own settings: rules for all repositories, and for those that fit a pattern. */
export interface RegistrySettings extends RepositorySettings {
  /** The first pattern that fits decides: `team/*`, `mirror/**`. */
  readonly repositories?: readonly { readonly pattern: string; readonly settings: RepositorySettings }[];
  /** Store manifests whose blobs or manifests are missing (default false). */
  readonly allowMissingReferences?: boolean;
  /** How long nothing has to refer to a blob before it goes (default `DEFAULT_GRACE_MS`). */
  readonly graceMs?: number;
  /** How long an upload may lie still (default `DEFAULT_UPLOAD_EXPIRY_MS`). */
  readonly uploadExpiryMs?: number;
  /** Send clients to the storage for blobs where they can reach it (default false). */
  readonly redirectBlobs?: boolean;
}

/** Longer than any client takes from "it has this blob already" to the manifest that refers to it. */
export const DEFAULT_GRACE_MS = 60 * 60 * 1000;
/** Whoever resumes an upload does so within a day. */
export const DEFAULT_UPLOAD_EXPIRY_MS = 24 * 60 * 60 * 1000;
