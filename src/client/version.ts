import { EngineError } from "#lib/errors";

/** The newest version of the Engine API that this client speaks, and the oldest that it gets along with. */
export const MAX_API_VERSION = "1.51";
export const MIN_API_VERSION = "1.24";

/** Negative, zero or positive, as the first version is older, equal or newer. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * The version to use with a server that told this one. An engine that tells none is as old as 1.24.
 *
 * @throws EngineError `failed-precondition` for an engine older than that.
 */
export function negotiate(server: string): string {
  const version = server === "" ? MIN_API_VERSION : server;
  if (compareVersions(version, MIN_API_VERSION) < 0) {
    throw new EngineError(
      "failed-precondition",
      `the engine's API version ${version} is too old: at least ${MIN_API_VERSION} is needed`,
    );
  }
  return compareVersions(version, MAX_API_VERSION) < 0 ? version : MAX_API_VERSION;
}
