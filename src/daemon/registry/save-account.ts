import { readFile } from "node:fs/promises";
import { EngineError } from "#lib/errors";
import { fileError, isAbsent, writeAtomic } from "#lib/fs";
import { parseHtpasswd } from "#registry";

/** What bcrypt looks at. A longer password would be right with any ending. */
const LONGEST_PASSWORD_BYTES = 72;
/** Some 50 ms for each guess. */
const COST = 10;

/**
 * Writes an account into a password file, which is made when missing. No password removes the account.
 *
 * @throws `invalid-parameter` for a name or password that the file cannot hold, `not-found` for an account to remove that is not there
 */
export async function saveAccount(
  path: string,
  { username, password }: { readonly username: string; readonly password: string | undefined },
): Promise<void> {
  if (!/^[^:\s#][^:\r\n]*$/.test(username)) throw invalid(`user name "${username}" cannot have colons or begin with #`);
  const accounts = parseHtpasswd(await readExisting(path), path);
  if (password === undefined) {
    if (!accounts.delete(username)) throw new EngineError("not-found", `no such user in "${path}": "${username}"`);
  } else accounts.set(username, await hashOf(password));
  const lines = [...accounts].map(([name, hash]) => `${name}:${hash}\n`);
  try {
    await writeAtomic(path, lines.join(""));
  } catch (error) {
    throw fileError(`write password file "${path}"`, error);
  }
}

async function hashOf(password: string): Promise<string> {
  if (password === "") throw invalid("password is empty");
  if (Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES)
    throw invalid(`password is longer than ${LONGEST_PASSWORD_BYTES} bytes`);
  return await Bun.password.hash(password, { algorithm: "bcrypt", cost: COST });
}

async function readExisting(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isAbsent(error)) return "";
    throw fileError(`read password file "${path}"`, error);
  }
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
