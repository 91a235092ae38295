import { mkdirSync, realpathSync, statSync } from "node:fs";
import { EngineError, messageOf } from "#lib/errors";
import { writeAtomic } from "#lib/fs";
import { readConfigFile } from "./config-file.ts";

const OWNER_ONLY = 0o600;

/**
 * Changes the configuration file of a directory, which is made if it is not there. What we do not know in the file stays as it is.
 * Readers see the old file or the new one; only its owner can read it, unless they chose otherwise.
 *
 * @returns the path of the file
 * @throws EngineError `invalid-parameter` for a file that is not JSON, `internal` when it cannot be written
 */
export async function changeConfigFile(
  directory: string,
  change: (config: Record<string, unknown>) => void,
): Promise<string> {
  const path = `${directory}/config.json`;
  const config: Record<string, unknown> = { ...readConfigFile(directory) };
  change(config);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { target, mode } = fileBehind(path);
    await writeAtomic(target, JSON.stringify(config, undefined, "\t"), mode);
  } catch (cause) {
    throw new EngineError("internal", `saving config file: ${path}: ${messageOf(cause)}`, { cause });
  }
  return path;
}

/** People keep the file elsewhere and a link here: the link stays. */
function fileBehind(path: string): { target: string; mode: number } {
  try {
    const target = realpathSync(path);
    return { target, mode: statSync(target).mode & 0o777 };
  } catch {
    return { target: path, mode: OWNER_ONLY };
  }
}
