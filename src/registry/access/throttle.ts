import { isIPv6 } from "node:net";
import type { Clock } from "#lib/time";

/** Wrong passwords that cost nothing: people mistype, and a client tries several times by itself. */
const FREE_FAILURES = 10;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** Failures are forgotten when none was added for so long. */
const FORGET_MS = 15 * 60_000;
/** Addresses that are remembered. When there are more, the one that was quiet for longest is forgotten. */
const MOST_ADDRESSES = 10_000;

interface Failures {
  count: number;
  lastNano: bigint;
}

/**
 * Slows down whoever guesses passwords, by address: after ten failures each further one doubles a pause. A success forgives
 * nothing, or one own account would be enough to guess those of others.
 */
export class Throttle {
  readonly #clock: Clock;
  /** The one that failed last is the last. */
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For how many milliseconds an address may not try again; 0 when it may now. */
  pauseMs(address: string): number {
    const failures = this.#failures.get(networkOf(address));
    if (failures === undefined || failures.count < FREE_FAILURES) return 0;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(20, failures.count - FREE_FAILURES));
    return Math.max(0, pause - this.#sinceMs(failures));
  }

  failed(address: string): void {
    const network = networkOf(address);
    const before = this.#failures.get(network);
    const count = before === undefined || this.#sinceMs(before) > FORGET_MS ? 0 : before.count;
    this.#failures.delete(network);
    this.#failures.set(network, { count: count + 1, lastNano: this.#clock.nowNano() });
    const [oldest] = this.#failures.size > MOST_ADDRESSES ? this.#failures.keys() : [];
    if (oldest !== undefined) this.#failures.delete(oldest);
  }

  #sinceMs({ lastNano }: Failures): number {
    return Number((this.#clock.nowNano() - lastNano) / 1_000_000n);
  }
}

/** Somebody with an IPv6 address has 2^64 of them. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? expand(address).slice(0, 4).join(":");
}

/** The eight groups of an IPv6 address. */
function expand(address: string): string[] {
  const [head = "", tail] = (address.split("%", 1)[0] ?? "").split("::");
  const groups = (text: string) => text.split(":").filter(Boolean);
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  return [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0"), ...after];
}
