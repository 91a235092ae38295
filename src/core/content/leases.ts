import type { Digest } from "#api/oci";

/**
 * Keeps blobs from the collector while no record refers to them yet: whoever writes blobs takes a lease first and
 * disposes of it after the record is committed. Leases live in memory: what a crash leaves unrecorded is garbage.
 */
export interface Lease extends Disposable {
  /** Of a blob that is there already, or will be. */
  add(digest: Digest): void;
}

export class Leases {
  readonly #holders = new Map<Digest, number>();

  take(): Lease {
    const held = new Set<Digest>();
    return {
      add: (digest) => {
        if (held.has(digest)) return;
        held.add(digest);
        this.#holders.set(digest, (this.#holders.get(digest) ?? 0) + 1);
      },
      [Symbol.dispose]: () => {
        for (const digest of held) this.#release(digest);
        held.clear();
      },
    };
  }

  isHeld(digest: Digest): boolean {
    return this.#holders.has(digest);
  }

  #release(digest: Digest): void {
    const holders = (this.#holders.get(digest) ?? 0) - 1;
    if (holders > 0) this.#holders.set(digest, holders);
    else this.#holders.delete(digest);
  }
}
