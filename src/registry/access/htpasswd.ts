import { createHmac } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { EngineError } from "#lib/errors";
import { fileError } from "#lib/fs";
import type { Clock } from "#lib/time";

export interface HtpasswdOptions {
  readonly path: string;
  readonly clock: Clock;
  /** A changed file that cannot be read leaves the accounts as they were. */
  report(error: unknown): void;
}

/** A file is looked at again when it is asked for and this time has passed. */
const LOOK_AGAIN_NANO = 2_000_000_000n;
const LARGEST_FILE_BYTES = 16 * 1024 * 1024;
const BCRYPT = /^\$2[aby]\$(0[4-9]|1\d|2\d|3[01])\$[./A-Za-z0-9]{53}$/;
/** The hash of nothing anybody knows, for a file without accounts. */
const NOBODY = "$2b$10$abcdefghijklmnopqrstuuYgYkgWTk7FPHIdOcnt8wDuWfoJlE8tG";

/** Accounts of an Apache password file (`htpasswd -B`), which is read anew when it changes. */
export class Htpasswd {
  readonly #options: HtpasswdOptions;
  #accounts: ReadonlyMap<string, string> = new Map();
  #version = "";
  #lookedNano = 0n;

  private constructor(options: HtpasswdOptions) {
    this.#options = options;
  }

  /** @throws `invalid-parameter` with the line that is wrong, `not-found` */
  static async open(options: HtpasswdOptions): Promise<Htpasswd> {
    const accounts = new Htpasswd(options);
    await accounts.reload();
    return accounts;
  }

  /** Reads the file now. What was there before stays when that fails. @throws as `open` */
  async reload(): Promise<void> {
    const { path, clock } = this.#options;
    this.#lookedNano = clock.nowNano();
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const version = `${mtimeMs} ${size} ${ino}`;
      if (version === this.#version) return;
      if (size > LARGEST_FILE_BYTES) throw invalid(path, `${size} bytes are more than ${LARGEST_FILE_BYTES}`);
      this.#accounts = parseHtpasswd(await readFile(path, "utf8"), path);
      this.#version = version;
    } catch (error) {
      throw fileError(`read password file "${path}"`, error);
    }
  }

  /** The hash of an account, as the file has it now. */
  async find(username: string): Promise<string | undefined> {
    if (this.#options.clock.nowNano() - this.#lookedNano >= LOOK_AGAIN_NANO) {
      await this.reload().catch((error) => this.#options.report(error));
    }
    return this.#accounts.get(username);
  }

  /** What changes when the account's password does; undefined without such an account. */
  async fingerprint(username: string): Promise<string | undefined> {
    const hash = await this.find(username);
    return hash === undefined
      ? undefined
      : createHmac("sha256", hash).update(username).digest("base64url").slice(0, 22);
  }

  /** A hash that costs as much to compare as those of accounts here. */
  get anyHash(): string {
    return this.#accounts.values().next().value ?? NOBODY;
  }
}

/** `name:hash` a line; empty lines and those that begin with `#` are passed over. @throws `invalid-parameter` */
export function parseHtpasswd(text: string, path: string): Map<string, string> {
  const accounts = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const where = `line ${index + 1}`;
    const colon = line.indexOf(":");
    if (colon <= 0) throw invalid(path, `${where} is not "name:hash"`);
    const name = line.slice(0, colon);
    const hash = line.slice(colon + 1).trim();
    if (!BCRYPT.test(hash)) {
      throw invalid(path, `${where}: the password of "${name}" is not hashed with bcrypt: use htpasswd -B`);
    }
    if (accounts.has(name)) throw invalid(path, `${where}: "${name}" has a line before`);
    accounts.set(name, hash);
  }
  return accounts;
}

function invalid(path: string, reason: string): EngineError {
  return new EngineError("invalid-parameter", `read password file "${path}": ${reason}`);
}
