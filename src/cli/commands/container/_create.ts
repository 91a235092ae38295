import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { EngineError } from "#lib/errors";
import type { Context } from "../../context.ts";
import { openFault } from "../../create/env-files.ts";
import type { Surroundings } from "../../create/request.ts";

/** What of our process a create request depends on. */
export async function surroundings(context: Context): Promise<Surroundings> {
  const { io } = context;
  const size = io.stdout.isTerminal ? io.terminalSize() : undefined;
  const { endpoint } = await context.engine();
  return {
    env: io.env,
    cwd: io.cwd,
    socketPath: endpoint.kind === "unix" ? endpoint.path : undefined,
    host: endpoint.host,
    config: context.config(),
    consoleSize: [size?.rows ?? 0, size?.columns ?? 0],
  };
}

/** The file that a container's ID is written to. It goes away again if there was no ID to write. */
export class Cidfile implements Disposable {
  readonly #path: string;
  readonly #fd: number | undefined;
  #isWritten = false;

  /** @throws EngineError `already-exists` if the file is there, since it may belong to another container. */
  constructor(path: string) {
    this.#path = path;
    this.#fd = path === "" ? undefined : createFile(path);
  }

  write(id: string): void {
    if (this.#fd === undefined) return;
    writeSync(this.#fd, id);
    this.#isWritten = true;
  }

  [Symbol.dispose](): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    if (!this.#isWritten) rmSync(this.#path, { force: true });
  }
}

function createFile(path: string): number {
  try {
    return openSync(path, "wx", 0o644);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") {
      const message = `failed to create the container ID file: ${openFault(path, cause)}`;
      throw new EngineError("invalid-parameter", message, { cause });
    }
    const message = `container ID file found, make sure the other container isn't running or delete ${path}`;
    throw new EngineError("already-exists", message, { cause });
  }
}
