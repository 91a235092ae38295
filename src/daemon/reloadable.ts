import { hostname } from "node:os";
import type { ProxySettings, RegistrySettings } from "#core/distribution";
import type { Events } from "#core/events";
import { messageOf } from "#lib/errors";
import type { Logger } from "#lib/log";
import { type Config, loadConfig } from "./config.ts";

/** What of the configuration can change while the daemon runs; everything else waits for the next start. */
export interface Reloadable {
  labels: readonly string[];
  debug: boolean;
  shutdownTimeoutSeconds: number;
  /** All but the proxies. */
  registries: RegistrySettings;
}

export function reloadableOf(
  { labels, debug, shutdownTimeoutSeconds, registries }: Config,
  proxies: ProxySettings,
): Reloadable {
  return { labels, debug, shutdownTimeoutSeconds, registries: { ...registries, proxies } };
}

/** Reads flags and file again (SIGHUP). A configuration that is wrong changes nothing. */
export function reload(
  argv: readonly string[],
  {
    reloadable,
    logger,
    events,
    engineID,
  }: { reloadable: Reloadable; logger: Logger; events: Pick<Events, "emit">; engineID: string },
): void {
  let config: Config;
  try {
    config = loadConfig(argv);
  } catch (error) {
    logger.error("configuration not reloaded", { error: messageOf(error) });
    return;
  }
  Object.assign(reloadable, reloadableOf(config, reloadable.registries.proxies));
  logger.level = config.logLevel;
  logger.info("configuration reloaded", { file: config.configFile });
  events.emit({
    type: "daemon",
    action: "reload",
    actorID: engineID,
    attributes: {
      name: hostname(),
      debug: String(config.debug),
      labels: JSON.stringify(config.labels),
      "live-restore": "true",
      "shutdown-timeout": String(config.shutdownTimeoutSeconds),
      ...registryAttributes(config.registries),
    },
  });
}

/** As dockerd tells of them. */
function registryAttributes(settings: RegistrySettings): Record<string, string> {
  const count = (limit: number) => String(Number.isFinite(limit) ? limit : 0);
  return {
    "registry-mirrors": JSON.stringify(settings.mirrors),
    "insecure-registries": JSON.stringify(settings.insecureRegistries),
    "max-concurrent-downloads": count(settings.maxConcurrentDownloads),
    "max-concurrent-uploads": count(settings.maxConcurrentUploads),
    "max-download-attempts": count(settings.maxDownloadAttempts),
  };
}
