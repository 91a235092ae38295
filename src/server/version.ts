import { invalid } from "./errors.ts";

export const API_VERSION = "1.51";
export const MIN_API_VERSION = "1.24";

/** A request for a version before 1.24: the one error that Docker answers as plain text. */
export class VersionTooOld extends Error {
  override readonly name = "VersionTooOld";
}

/**
 * Splits `/v1.51/info` into its version's second number (51) and `/info`. A path without a version speaks the newest.
 *
 * @throws EngineError `invalid-parameter` for a version that is too new; VersionTooOld
 */
export function splitVersion(path: string): { version: number; path: string } {
  const match = /^\/v([0-9.]+)(\/.*)$/s.exec(path);
  if (!match) return { version: minorOf(API_VERSION), path };
  const [, text = "", rest = ""] = match;
  if (compare(text, MIN_API_VERSION) < 0) {
    throw new VersionTooOld(
      `client version ${text} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`,
    );
  }
  if (compare(text, API_VERSION) > 0) {
    throw invalid(`client version ${text} is too new. Maximum supported API version is ${API_VERSION}`);
  }
  return { version: minorOf(text), path: rest };
}

function minorOf(version: string): number {
  return Number(version.split(".")[1]);
}

function compare(left: string, right: string): number {
  const [a, b] = [left.split("."), right.split(".")];
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = Number(a[at] ?? 0) - Number(b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
