/** Rules for what is in a repository. What is left out of a rule for some repositories comes from the rule for all. */
export interface RepositorySettings {
  /** Refuses pushes and deletions. */
  readonly readOnly?: boolean;
  /** Whether clients may delete manifests, tags and blobs (default true); else 405. */
  readonly allowDelete?: boolean;
  /** Patterns of tags that, once set, keep their manifest: `v*`, `[0-9]*.[0-9]*`. */
  readonly immutableTags?: readonly string[];
  /** How many bytes the repository may hold: each blob once, manifests included. */
  readonly quotaBytes?: number;
  /** What of the tags is kept. No rule keeps all. */
  readonly retention?: readonly RetentionRule[];
  /** Removes manifests that no tag, index or subject refers to after this time. Left out: they stay. */
  readonly untaggedAfterMs?: number;
}

/** For tags that fit the pattern: one is kept when it is among the newest `keepNewest` or younger than `maxAgeMs`. */
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
  /** How long nothing has to refer to a thing before it goes (default one hour). */
  readonly graceMs?: number;
  /** How long an upload may lie still (default a day). */
  readonly uploadExpiryMs?: number;
  /** Send clients to the storage for blobs when it can be reached by them (default false). */
  readonly redirectBlobs?: boolean;
}
