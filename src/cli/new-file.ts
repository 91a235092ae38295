import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { EngineError } from "#lib/errors";
import { openFault } from "./create/env-files.ts";

/** A file that takes its name when it is complete; until then it is a temporary one beside it. */
export class NewFile implements Disposable {
  readonly #path: string;
  readonly #temporary: string;
  readonly #fd: number;
  #isDone = false;

  /** @param failure - what it means that the file cannot be made: `failed to save image` */
  constructor(path: string, failure: string) {
    this.#path = path;
    this.#temporary = `${path}.tmp-${process.pid}`;
    try {
      this.#fd = openSync(this.#temporary, "wx", 0o600);
    } catch (cause) {
      throw new EngineError("invalid-parameter", `${failure}: ${openFault(path, cause)}`, { cause });
    }
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
  }

  commit(): void {
    renameSync(this.#temporary, this.#path);
    this.#isDone = true;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
    if (!this.#isDone) rmSync(this.#temporary, { force: true });
  }
}
