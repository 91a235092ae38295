import { type Digest, isDigest, parseDigest } from "#api/oci";
import { EngineError } from "#lib/errors";

/** The part after `:` in a reference: `latest`. */
export type Tag = string & { readonly __brand: "Tag" };
/** A repository with its registry: `docker.io/library/busybox`. */
export type RepositoryName = string & { readonly __brand: "RepositoryName" };

/**
 * What a user typed to name an image, normalised: `busybox` is `docker.io` + `library/busybox` and has neither tag
 * nor digest. The grammar is that of the distribution project (its ABNF, package `reference`).
 */
export interface Reference {
  /** Host and perhaps port of the registry. */
  readonly domain: string;
  /** The repository within the registry. */
  readonly path: string;
  readonly tag?: Tag;
  readonly digest?: Digest;
}

const DEFAULT_DOMAIN = "docker.io";
const LEGACY_DEFAULT_DOMAIN = "index.docker.io";
const OFFICIAL_PREFIX = "library/";
const DEFAULT_TAG = "latest" as Tag;
const PATH_LENGTH_LIMIT = 255;
/** Longer input is refused before any expression sees it; the longest valid reference is far below. */
const TEXT_LENGTH_LIMIT = 4096;

const COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const REMOTE_NAME = `${COMPONENT}(?:/${COMPONENT})*`;
const HOST_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const DOMAIN = `(?:${HOST_LABEL}(?:\\.${HOST_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const TAG = "[\\w][\\w.-]{0,127}";
const DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";

const IDENTIFIER_PATTERN = /^[a-f0-9]{64}$/;
const TAG_PATTERN = new RegExp(`^${TAG}$`);
const REFERENCE_PATTERN = new RegExp(
  `^(?:(?<domain>${DOMAIN})/)?(?<path>${REMOTE_NAME})(?::(?<tag>${TAG}))?(?:@(?<digest>${DIGEST}))?$`,
);

/**
 * Parses what users type for an image that is not meant by its ID. No default tag is added.
 *
 * @throws `invalid-parameter` with Docker's text
 */
export function parseReference(text: string): Reference {
  if (IDENTIFIER_PATTERN.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const { domain, remainder } = splitDomain(text);
  const remote = remainder.split(":", 1)[0] ?? "";
  if (remote.toLowerCase() !== remote) {
    throw invalid(`invalid reference format: repository name (${remote}) must be lowercase`);
  }
  return parseCanonical(`${domain}/${remainder}`);
}

/** A full image ID or digest (`sha256:` may be left out), else a reference. @throws `invalid-parameter` */
export function parseDigestOrReference(text: string): Digest | Reference {
  if (IDENTIFIER_PATTERN.test(text)) return `sha256:${text}` as Digest;
  return isDigest(text) ? text : parseReference(text);
}

/** @throws `invalid-parameter` "invalid tag format" */
export function parseTag(text: string): Tag {
  if (!TAG_PATTERN.test(text)) throw invalid("invalid tag format");
  return text as Tag;
}

/** The reference itself, or with `latest` when it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag || reference.digest ? reference : { ...reference, tag: DEFAULT_TAG };
}

export function repositoryOf(reference: Reference): RepositoryName {
  return `${reference.domain}/${reference.path}` as RepositoryName;
}

/** The registry of a repository, and its path there. */
export function splitRepository(name: RepositoryName): { readonly domain: string; readonly path: string } {
  const slash = name.indexOf("/");
  return { domain: name.slice(0, slash), path: name.slice(slash + 1) };
}

/** The full form: `docker.io/library/busybox:latest`. */
export function formatReference(reference: Reference): string {
  return repositoryOf(reference) + suffixOf(reference);
}

/** The repository as people write it: without `docker.io` and `library/` where these go without saying. */
export function familiarName(reference: Reference): string {
  if (reference.domain !== DEFAULT_DOMAIN) return repositoryOf(reference);
  const official = reference.path.startsWith(OFFICIAL_PREFIX) && reference.path.split("/").length === 2;
  return official ? reference.path.slice(OFFICIAL_PREFIX.length) : reference.path;
}

/** The short form: `busybox:latest`. */
export function familiarReference(reference: Reference): string {
  return familiarName(reference) + suffixOf(reference);
}

function suffixOf(reference: Reference): string {
  return (reference.tag ? `:${reference.tag}` : "") + (reference.digest ? `@${reference.digest}` : "");
}

function parseCanonical(text: string): Reference {
  const groups = matchGroups(text);
  if (!groups) {
    // Upper case is the only thing wrong: say so.
    throw invalid(matchGroups(text.toLowerCase()) ? "repository name must be lowercase" : "invalid reference format");
  }
  const { domain = "", path = "", tag, digest } = groups;
  if (path.length > PATH_LENGTH_LIMIT) {
    throw invalid(`repository name must not be more than ${PATH_LENGTH_LIMIT} characters`);
  }
  return {
    domain,
    path,
    ...(tag === undefined ? {} : { tag: tag as Tag }),
    ...(digest === undefined ? {} : { digest: parseDigest(digest) }),
  };
}

function matchGroups(text: string): Record<string, string | undefined> | undefined {
  return text.length > TEXT_LENGTH_LIMIT ? undefined : REFERENCE_PATTERN.exec(text)?.groups;
}

/** The first component is a registry when it cannot be anything else; else the registry is Docker Hub. */
function splitDomain(text: string): { domain: string; remainder: string } {
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(slash, 0));
  const isDomain = first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first;
  const domain = !isDomain || first === LEGACY_DEFAULT_DOMAIN ? DEFAULT_DOMAIN : first;
  const remainder = isDomain ? text.slice(slash + 1) : text;
  const official = domain === DEFAULT_DOMAIN && !remainder.includes("/");
  return { domain, remainder: official ? OFFICIAL_PREFIX + remainder : remainder };
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
