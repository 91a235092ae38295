import { closeSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { EngineError } from "#lib/errors";
import { openFault } from "./create/env-files.ts";

/**
 * A file that takes its name when it is complete; until then it is a temporary one beside it. A name that leads to a device or a
 * pipe is written to and never replaced: `-o /dev/null` means what it says.
 */
export class NewFile implements Disposable {
  readonly #path: string;
  readonly #temporary: string | undefined;
  readonly #fd: number;
  #isDone = false;

  /** @param failure - what it means that the file cannot be made: `failed to save image` */
  constructor(path: string, failure: string) {
    try {
      const { target, isReplaced } = resolveTarget(path);
      this.#path = target;
      this.#temporary = isReplaced ? `${target}.tmp-${process.pid}` : undefined;
      this.#fd = this.#temporary === undefined ? openSync(target, "w") : openSync(this.#temporary, "wx", 0o600);
    } catch (cause) {
      throw new EngineError("invalid-parameter", `${failure}: ${openFault(path, cause)}`, { cause });
    }
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
  }

  commit(): void {
    if (this.#temporary !== undefined) renameSync(this.#temporary, this.#path);
    this.#isDone = true;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
    if (this.#temporary !== undefined && !this.#isDone) rmSync(this.#temporary, { force: true });
  }
}

/** Where a path leads, through symlinks, and whether a file there makes way for a new one. */
function resolveTarget(path: string): { target: string; isReplaced: boolean } {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { target: path, isReplaced: true };
  return { target: realpathSync(path), isReplaced: found.isFile() };
}
