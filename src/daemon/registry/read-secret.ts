import { readFile } from "node:fs/promises";
import { fileError } from "#lib/fs";

/** What a file says, for what better stands outside of the configuration; a newline at its end is nobody's secret. */
export async function readSecret(what: string, path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trimEnd();
  } catch (error) {
    throw fileError(`read ${what} file "${path}"`, error);
  }
}
