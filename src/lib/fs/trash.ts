import { rename } from "node:fs/promises";
import { Background } from "#lib/async";
import { isAbsent } from "./errno.ts";

export interface TrashOptions {
  /** Deletes trees, links not followed; absence is fine. The order is free, and one that resists does not spare the others. */
  readonly deleteTrees: (paths: readonly string[]) => Promise<void>;
  /** Calls back once after a delay; the result cancels it. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
  /** Told of what could not be deleted. */
  readonly report: (name: string, error: unknown) => void;
}

/** How long things gather, in milliseconds. */
const GATHER_MS = 300;
/** As many are deleted at once without waiting for more. */
const GATHER_LIMIT = 64;

/**
 * What is to be deleted when nobody waits for it, many things at a time. A filesystem that tells its disk about every block it frees takes
 * milliseconds for it, at its next commit, which is somebody else's `fsync`: few large deletions disturb less than many small ones.
 *
 * Things are put out of sight first, by a rename to a place that their owner empties at the next start: so a crash leaves garbage at worst.
 */
export class Trash implements AsyncDisposable {
  readonly #options: TrashOptions;
  readonly #background: Background;
  #gathered: string[] = [];
  #cancel: (() => void) | undefined;

  constructor(options: TrashOptions) {
    this.#options = options;
    this.#background = new Background(options.report);
  }

  /** Moves a tree to `doomed`, on the same filesystem, where it awaits its deletion. Absence is fine. */
  async discard({ path, doomed }: { path: string; doomed: string }): Promise<void> {
    try {
      await rename(path, doomed);
    } catch (error) {
      if (isAbsent(error)) return;
      throw error;
    }
    this.#gathered.push(doomed);
    if (this.#gathered.length >= GATHER_LIMIT) this.#empty();
    else this.#cancel ??= this.#options.after(GATHER_MS, () => this.#empty());
  }

  /** Deletes what is there, and resolves when all is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#empty();
    await this.#background.join();
  }

  #empty(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const paths = this.#gathered;
    this.#gathered = [];
    if (paths.length > 0) this.#background.run("delete what was removed", this.#options.deleteTrees(paths));
  }
}
