import { EngineError } from "#lib/errors";

/** A path of an image, as `IMAGE:/path` says it. */
export interface ImagePath {
  readonly image: string;
  /** Absolute, or empty when only an image is named. */
  readonly path: string;
}

/**
 * Reads `IMAGE:/path`. The path is absolute: what follows any other colon is a tag (`a/b:tag`), a port (`host:5000/a`) or a
 * digest, none of which begins with a slash.
 */
export function parseImagePath(text: string): ImagePath {
  const at = text.indexOf(":/");
  if (at < 0) return { image: text, path: "" };
  return { image: text.slice(0, at), path: text.slice(at + 1) };
}

/** The same where there must be a path. @throws EngineError `invalid-parameter` */
export function requireImagePath(text: string): ImagePath {
  const parsed = parseImagePath(text);
  if (parsed.image === "" || parsed.path === "") {
    throw new EngineError("invalid-parameter", `"${text}" names no file of an image: write IMAGE:/path`);
  }
  return parsed;
}
