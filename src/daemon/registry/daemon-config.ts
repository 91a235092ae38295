import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EngineError, messageOf } from "#lib/errors";
import type { Config } from "../config.ts";
import { parseRegistryFile, type RegistryConfig, readRegistryConfig } from "./config.ts";

/**
 * The registry of a daemon, of pairs `key=value` whose values are YAML (and so JSON). With the key `config`, that file says what the others
 * do not. It lies below the daemon's data root when nothing else is said, where it shares the daemon's blobs.
 *
 * @throws `invalid-parameter`
 */
export function registryOfDaemon({
  registryServer,
  dataRoot,
}: Pick<Config, "registryServer" | "dataRoot">): RegistryConfig {
  const said = new Map(registryServer);
  const file = said.get("config");
  said.delete("config");
  try {
    const members = [...said].map(([key, text]) => [key, parseRegistryFile(text)]);
    const document = file === undefined ? {} : parseRegistryFile(readFileSync(file, "utf8"));
    return readRegistryConfig(
      { ...(document as object), ...Object.fromEntries(members) },
      { root: join(dataRoot, "registry") },
    );
  } catch (cause) {
    throw new EngineError("invalid-parameter", `registry-server: ${messageOf(cause)}`, { cause });
  }
}
