import { hostname } from "node:os";
import type { Events } from "#core/events";
import { messageOf } from "#lib/errors";
import type { Logger } from "#lib/log";
import { type Config, loadConfig } from "./config.ts";

/** What of the configuration can change while the daemon runs; everything else waits for the next start. */
export interface Reloadable {
  labels: readonly string[];
  debug: boolean;
  shutdownTimeoutSeconds: number;
}

export function reloadableOf({ labels, debug, shutdownTimeoutSeconds }: Config): Reloadable {
  return { labels, debug, shutdownTimeoutSeconds };
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
  Object.assign(reloadable, reloadableOf(config));
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
    },
  });
}
