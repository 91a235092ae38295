import { stat } from "node:fs/promises";
import { fileError, isAbsent } from "./errno.ts";

/** Bytes of a file; undefined when it is not there. */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw fileError(`measure "${path}"`, error);
  }
}
