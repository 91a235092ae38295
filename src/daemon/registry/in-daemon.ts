import type { Digest } from "#api/oci";
import { isKind, messageOf } from "#lib/errors";
import type { Logger } from "#lib/log";
import type { Engine } from "../assemble.ts";
import { type Config, loadConfig } from "../config.ts";
import type { Release } from "../release.ts";
import { formatAddress } from "./address.ts";
import { registryOfDaemon } from "./daemon-config.ts";
import { registryHost } from "./host.ts";
import { startRegistry } from "./start-registry.ts";

export interface DaemonRegistry extends AsyncDisposable {
  /** Reads flags and file again. A configuration that is wrong changes nothing. */
  reload(argv: readonly string[]): Promise<void>;
}

interface Daemon {
  readonly config: Config;
  readonly release: Release;
  readonly logger: Logger;
}

/** The registry that a daemon is besides. @throws `invalid-parameter` for a configuration that is wrong */
export async function startDaemonRegistry(
  { config, release, logger }: Daemon,
  engine: Pick<Engine, "content" | "registries">,
): Promise<DaemonRegistry> {
  const settings = registryOfDaemon(config);
  const log = logger.with({ part: "registry" });
  const host = registryHost({ release, log, proxies: engine.registries.settings.proxies });
  const shared = { path: (digest: Digest) => sharedPath(engine, digest) };
  const registry = await startRegistry(settings, { ...host, shared });
  const { address, isSecure, authority } = registry;
  log.info("registry serves", {
    address: `${isSecure ? "https" : "http"}://${formatAddress(address)}`,
    root: settings.root,
    authority: authority?.path,
    fingerprint: authority?.fingerprint,
  });
  return {
    reload: async (argv) => {
      try {
        await registry.reload(registryOfDaemon(loadConfig(argv)));
      } catch (error) {
        log.error("registry's configuration not reloaded", { error: messageOf(error) });
      }
    },
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

/** The daemon keeps blobs by sha256 only. */
function sharedPath({ content }: Pick<Engine, "content">, digest: Digest): string | undefined {
  try {
    return content.path(digest);
  } catch (error) {
    if (isKind(error, "invalid-parameter")) return undefined;
    throw error;
  }
}
