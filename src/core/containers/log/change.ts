import { watch } from "node:fs";
import { basename, dirname } from "node:path";

/** Changes of a log's files, seen through inotify on their folder. */
export class Change implements Disposable {
  readonly #watcher;
  #waiting = Promise.withResolvers<void>();
  count = 0;

  constructor(path: string) {
    const name = basename(path);
    this.#watcher = watch(dirname(path), (_, changed) => {
      if (changed === null || changed.startsWith(name)) this.notify();
    });
    // The folder of a removed container: `until` ends the wait.
    this.#watcher.on("error", () => this.notify());
  }

  notify(): void {
    this.count++;
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers();
  }

  /** Resolves when there was a change since `count` had that value. */
  async after(count: number): Promise<void> {
    if (this.count === count) await this.#waiting.promise;
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
  }
}
