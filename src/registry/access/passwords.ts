import { createHmac, randomBytes } from "node:crypto";
import type { Clock } from "#lib/time";
import { RegistryError } from "../errors.ts";
import type { Peer } from "../registry.ts";
import type { Htpasswd } from "./htpasswd.ts";
import { Throttle } from "./throttle.ts";

/** Compares a password with a bcrypt hash, off the main thread. */
export type VerifyPassword = (password: Uint8Array, hash: string) => Promise<boolean>;

export interface PasswordsOptions {
  readonly accounts: Htpasswd;
  readonly clock: Clock;
  readonly verify: VerifyPassword;
}

/** How long a password that was right need not be computed again. A changed account ends it at once. */
const REMEMBER_NANO = 300_000_000_000n;
const MOST_REMEMBERED = 4096;
/** What bcrypt looks at of a password; `htpasswd` cuts it, too. */
const BCRYPT_BYTES = 72;
/** Comparisons at once: each keeps a core busy for its whole time. */
const MOST_AT_ONCE = 2;
/** Those that wait for their turn; more are refused. */
const MOST_WAITING = 256;

/** Checks passwords: slowly, so that guessing takes long, and once for many requests of one client. */
export class Passwords {
  readonly #options: PasswordsOptions;
  readonly #throttle: Throttle;
  /** Never leaves this process, so that what is remembered is worth nothing elsewhere. */
  readonly #secret = randomBytes(32);
  /** Until when a password is known to be right, by an HMAC over account, hash and password. The oldest first. */
  readonly #remembered = new Map<string, bigint>();
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: PasswordsOptions) {
    this.#options = options;
    this.#throttle = new Throttle(options.clock);
  }

  /**
   * Whether this is the account's password. An account that is not there takes as long as one that is.
   * @throws RegistryError TOOMANYREQUESTS for an address that guessed too often, or when too many others wait
   */
  async check(login: { readonly username: string; readonly password: string }, peer: Peer): Promise<boolean> {
    const { accounts, verify } = this.#options;
    const hash = await accounts.find(login.username);
    const key = this.#keyOf(login, hash);
    if (this.#isRemembered(key)) return true;
    const bytes = new TextEncoder().encode(login.password).subarray(0, BCRYPT_BYTES);
    const right = await this.#inTurn(() => {
      // Only now: what waited meanwhile may have been guesses of the same address.
      const pauseMs = this.#throttle.pauseMs(peer.address);
      if (pauseMs > 0) throw tooMany("too many wrong passwords from this address", pauseMs);
      return verify(bytes, hash ?? accounts.anyHash);
    });
    if (right && hash !== undefined) {
      this.#remember(key);
      return true;
    }
    this.#throttle.failed(peer.address);
    return false;
  }

  #keyOf({ username, password }: { username: string; password: string }, hash: string | undefined): string {
    return createHmac("sha256", this.#secret)
      .update(JSON.stringify([username, hash, password]))
      .digest("base64");
  }

  #isRemembered(key: string): boolean {
    const until = this.#remembered.get(key);
    return until !== undefined && until > this.#options.clock.nowNano();
  }

  #remember(key: string): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, this.#options.clock.nowNano() + REMEMBER_NANO);
    const [oldest] = this.#remembered.size > MOST_REMEMBERED ? this.#remembered.keys() : [];
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= MOST_AT_ONCE) {
      if (this.#waiting.length >= MOST_WAITING) throw tooMany("too many logins at once", 1000);
      // Whoever ends hands over its place.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

function tooMany(message: string, pauseMs: number): RegistryError {
  const headers = { "Retry-After": String(Math.ceil(pauseMs / 1000)) };
  return new RegistryError("TOOMANYREQUESTS", message, { headers });
}
