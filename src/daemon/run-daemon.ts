import { type ProxySettings, proxyFor, type Registries } from "#core/distribution";
import { EngineError, messageOf } from "#lib/errors";
import { HttpServer } from "#lib/http";
import { createLogger, type Logger } from "#lib/log";
import { createApi } from "#server";
import { assemble, type Engine } from "./assemble.ts";
import { capture } from "./capture.ts";
import { type Config, loadConfig } from "./config.ts";
import { IdleCollector } from "./idle-collector.ts";
import { listenOn } from "./listen.ts";
import { notifyReady } from "./notify.ts";
import { takeProxies } from "./registry-settings.ts";
import type { Release } from "./release.ts";
import { reload } from "./reloadable.ts";
import { untilToldToEnd } from "./shutdown.ts";
import { usage } from "./usage.ts";

const EXIT_FAILED = 1;
/** What dockerd says to wrong flags. */
const EXIT_USAGE = 125;

/** The program `tugd`: from its arguments to its exit code. */
export async function runDaemon(argv: readonly string[], release: Release): Promise<number> {
  let config: Config;
  try {
    config = loadConfig(argv);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\nSee 'tugd --help'.\n`);
    return EXIT_USAGE;
  }
  try {
    return await act(config, argv, release);
  } catch (error) {
    const stack = error instanceof EngineError ? messageOf(error) : ((error as Error).stack ?? String(error));
    process.stderr.write(`tugd: ${stack}\n`);
    return EXIT_FAILED;
  }
}

async function act(config: Config, argv: readonly string[], release: Release): Promise<number> {
  const daemon = () => ({ config, release, logger: loggerOf(config), proxies: takeProxies(process.env) });
  switch (config.action) {
    case "help":
      process.stdout.write(usage());
      break;
    case "version":
      process.stdout.write(`tug version ${release.version}, build ${release.commit}\n`);
      break;
    case "validate":
      if (config.registryServer.length > 0) (await import("./registry/daemon-config.ts")).registryOfDaemon(config);
      process.stderr.write("configuration OK\n");
      break;
    case "cleanup":
      await cleanUp(daemon());
      break;
    case "run":
      await serve(daemon(), argv);
  }
  return 0;
}

interface Daemon {
  readonly config: Config;
  readonly release: Release;
  readonly logger: Logger;
  /** Of the environment. */
  readonly proxies: ProxySettings;
}

/** Serves until a signal ends it. Containers go on. */
async function serve(daemon: Daemon, argv: readonly string[]): Promise<void> {
  const { config, release, logger } = daemon;
  process.on("uncaughtException", (error) => logger.error("uncaught exception", { stack: error.stack }));
  process.on("unhandledRejection", (error) =>
    logger.error("unhandled rejection", { stack: (error as Error)?.stack ?? String(error) }),
  );
  await using engine = await assemble(daemon);
  const now = () => new Date();
  const api = createApi({ ...engine, fetch: proxied(engine.registries), now }, logger);
  const idle = new IdleCollector({
    collect: () => Bun.gc(true),
    after: (delayMs, callback) => void setTimeout(callback, delayMs).unref(),
  });
  await using server = new HttpServer({
    handler: (request) => {
      idle.touch();
      return api(request);
    },
    now,
    onError: (error) => logger.error("request failed", { error: messageOf(error), stack: (error as Error)?.stack }),
  });
  await using registry = await startRegistryOf(daemon, engine);
  await listenOn(server, config, logger);
  logger.info("daemon has completed initialization", {
    version: release.version,
    driver: engine.system.identity.storageDriver,
  });
  await notifyReady(process.env.NOTIFY_SOCKET, capture);
  await untilToldToEnd({
    reload: () => {
      reload(argv, { ...engine, logger, engineID: engine.system.identity.id });
      void registry?.reload(argv);
    },
    onSignal: (signal) => logger.info("processing signal", { signal }),
  });
  await server.close(engine.reloadable.shutdownTimeoutSeconds * 1000);
  logger.info("daemon shutdown complete");
}

/** The registry that the daemon is besides, if it is one: its code is loaded then only. */
async function startRegistryOf(daemon: Daemon, engine: Engine) {
  if (daemon.config.registryServer.length === 0) return undefined;
  const { startDaemonRegistry } = await import("./registry/in-daemon.ts");
  return await startDaemonRegistry(daemon, engine);
}

/** Takes everything of these roots off the host, but for images and files. */
async function cleanUp(daemon: Daemon): Promise<void> {
  await using engine = await assemble(daemon);
  const { containers, networks } = engine;
  for (const { id } of await containers.list({ all: true, limit: 0, filters: new Map() })) {
    await containers.remove(id, { force: true, volumes: true, link: false });
  }
  await containers.teardown();
  await networks.teardown();
}

/** What is imported from somewhere comes the same way as images do. */
function proxied(registries: Pick<Registries, "settings">) {
  return (url: string, { signal }: { signal: AbortSignal }): Promise<Response> => {
    const proxy = proxyFor(new URL(url), registries.settings.proxies);
    return fetch(url, { signal, ...(proxy !== undefined && { proxy }) });
  };
}

function loggerOf(config: Config): Logger {
  return createLogger({
    level: config.logLevel,
    format: config.logFormat,
    now: () => new Date(),
    write: (line) => void process.stderr.write(line),
  });
}
