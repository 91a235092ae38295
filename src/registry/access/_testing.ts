/** Accounts whose passwords cost nothing to check, and requests that show one. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SALT = "abcdefghijklmnopqrstu";

/** Looks like bcrypt's, and tells the password to `verifyFakeHash`. */
export function fakeHash(password: string): string {
  const hidden = Buffer.from(password).toString("hex").padEnd(32, ".").slice(0, 32);
  return `$2b$04$${SALT}${hidden}`;
}

export async function verifyFakeHash(password: Uint8Array, hash: string): Promise<boolean> {
  return fakeHash(new TextDecoder().decode(password)) === hash;
}

export class AccountsFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "tug-access-"));
  readonly htpasswd = join(this.path, "users");

  constructor(accounts: Readonly<Record<string, string>>) {
    this.write(accounts);
  }

  write(accounts: Readonly<Record<string, string>>): void {
    const lines = Object.entries(accounts).map(([name, password]) => `${name}:${fakeHash(password)}\n`);
    writeFileSync(this.htpasswd, lines.join(""));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function basic(username: string, password: string): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
}

export function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}

export const PEER = { address: "192.0.2.7" };
