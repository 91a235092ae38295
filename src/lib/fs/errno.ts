import { EngineError, type ErrorKind, messageOf } from "#lib/errors";

/** The errno name of a failed system call (`ENOENT`), or undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/** True for a path that is not there, one of its parents being no directory included. */
export function isAbsent(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === "ENOENT" || errno === "ENOTDIR";
}

const KINDS: Readonly<Record<string, ErrorKind>> = {
  ENOENT: "not-found",
  EEXIST: "already-exists",
  EACCES: "forbidden",
  EPERM: "forbidden",
  ENOSPC: "unavailable",
  EDQUOT: "unavailable",
  EMFILE: "unavailable",
  ENFILE: "unavailable",
};

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on device",
  EDQUOT: "disk quota exceeded",
  EROFS: "read-only file system",
  EIO: "input/output error",
};

/**
 * Says what was being done when a system call failed, as an EngineError to throw. Whatever is no failure of a system
 * call comes back as it is.
 */
export function fileError(action: string, error: unknown): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const reason = WORDS[errno] ?? messageOf(error);
  return new EngineError(KINDS[errno] ?? "internal", `${action}: ${reason}`, { cause: error, data: { errno } });
}
