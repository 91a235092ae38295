import { type Digest, isDigest } from "#api/oci";
import { RegistryError } from "../errors.ts";

/** distribution-spec "Pulling manifests": what a repository name may look like. */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
/** Many clients count the host's name in; a registry cannot. */
const MAX_REPOSITORY_LENGTH = 255;

export function isRepository(name: string): boolean {
  return name.length <= MAX_REPOSITORY_LENGTH && REPOSITORY.test(name);
}

/** @throws NAME_INVALID */
export function parseRepository(name: string): string {
  if (!isRepository(name)) throw new RegistryError("NAME_INVALID", undefined, { detail: { name: printable(name) } });
  return name;
}

/** @throws DIGEST_INVALID for what is no digest, and for algorithms that blobs are not stored by */
export function parseBlobDigest(text: string): Digest {
  if (!isDigest(text) || !/^sha(?:256|512):/.test(text))
    throw new RegistryError("DIGEST_INVALID", "invalid digest", { detail: { digest: printable(text) } });
  return text;
}

/** What follows `/manifests/`; undefined when it can be the name of nothing. */
export function parseManifestReference(text: string): { digest: Digest } | { tag: string } | undefined {
  if (TAG.test(text)) return { tag: text };
  return isDigest(text) && /^sha(?:256|512):/.test(text) ? { digest: text } : undefined;
}

/** For messages: hostile names may be long. */
function printable(text: string): string {
  return text.length > MAX_REPOSITORY_LENGTH ? `${text.slice(0, MAX_REPOSITORY_LENGTH)}…` : text;
}
