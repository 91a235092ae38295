import { readFile, rename, writeFile } from "node:fs/promises";
import type { OpenParts } from "./records.ts";

/** How far a log was sent. */
export interface Position {
  /** Identity of the file. */
  readonly file: string;
  /** Of the first byte that was not sent. */
  readonly offset: number;
  readonly open: OpenParts;
}

/** Undefined when nothing was sent yet, or what was noted is no position: then all that is kept is sent. */
export async function readPosition(path: string): Promise<Position | undefined> {
  try {
    const { file, offset, open } = JSON.parse(await readFile(path, "utf8")) as Partial<Position>;
    const isWhole = typeof file === "string" && Number.isSafeInteger(offset) && open !== undefined;
    return isWhole ? { file, offset: offset as number, open } : undefined;
  } catch {
    return undefined;
  }
}

/** Survives the daemon. A machine that loses power may know an older one, which only repeats lines: that is worth no sync. */
export async function writePosition(path: string, position: Position): Promise<void> {
  await writeFile(`${path}.tmp`, JSON.stringify(position), { mode: 0o600 });
  await rename(`${path}.tmp`, path);
}
