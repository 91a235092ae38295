/**
 * The composition root: every part of the engine, from the bottom to the top. Read it to see who depends on whom. What is made
 * here is released in reverse order when the engine is disposed of; containers go on.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { availableParallelism, hostname } from "node:os";
import { join } from "node:path";
import {
  type Containers,
  type ContainersLifecycle,
  containerMigrations,
  createContainers,
  Layout,
  type Volumes,
} from "#core/containers";
import { type ContentStore, createContentStore } from "#core/content";
import type { ProxySettings, Registries } from "#core/distribution";
import { createEvents, EVENT_MIGRATIONS, type Events } from "#core/events";
import { collectRegularly, createGarbageCollector } from "#core/gc";
import {
  createImageExplorer,
  createImages,
  IMAGE_MIGRATIONS,
  type ImageExplorer,
  type LocalImages,
} from "#core/images";
import { createNetworks, networkMigrations, type OwnedNetworks } from "#core/networks";
import { hostReader } from "#core/runtime";
import { selectSnapshotter } from "#core/snapshots";
import { createProcessExecutor, type Executor, readExitRecord } from "#executor";
import { Background } from "#lib/async";
import { openDatabase } from "#lib/db";
import { messageOf } from "#lib/errors";
import { Trash } from "#lib/fs";
import type { Logger } from "#lib/log";
import { systemClock } from "#lib/time";
import { createThreads } from "#lib/workers";
import type { SystemBackend } from "#server";
import { findAppArmorParser, loadAppArmor } from "./apparmor.ts";
import { capture } from "./capture.ts";
import type { Config } from "./config.ts";
import { lockDataRoot } from "./data-root-lock.ts";
import { placeExecutor, readHello } from "./embedded.ts";
import { writePidFile } from "./pid-file.ts";
import { preflight, thisProcess } from "./preflight.ts";
import { registriesOfHost } from "./registries.ts";
import { orElse } from "./registry-settings.ts";
import type { Release } from "./release.ts";
import { type Reloadable, reloadableOf } from "./reloadable.ts";
import { createSystem } from "./system.ts";
import { workerEntry } from "./worker-entry.ts";

export interface Engine extends AsyncDisposable {
  readonly containers: Containers & ContainersLifecycle;
  readonly volumes: Volumes;
  readonly images: LocalImages;
  readonly explorer: ImageExplorer;
  readonly networks: OwnedNetworks;
  readonly registries: Registries;
  readonly content: Pick<ContentStore, "path">;
  readonly events: Events;
  readonly system: SystemBackend;
  readonly reloadable: Reloadable;
}

interface Parts {
  readonly config: Config;
  readonly release: Release;
  readonly logger: Logger;
  /** What the environment says of proxies. */
  readonly proxies: ProxySettings;
}

/** Builds the engine and makes its records agree with the machine. Nobody is served yet. */
export async function assemble({ config, release, logger, proxies }: Parts): Promise<Engine> {
  await using stack = new AsyncDisposableStack();
  const { dataRoot, execRoot } = config;

  // The machine, and this process's right to these roots.
  const found = preflight(hostReader, thisProcess());
  stack.use(lockDataRoot(dataRoot));
  mkdirSync(execRoot, { recursive: true, mode: 0o711 });
  stack.use(writePidFile(config.pidFile));
  const host = await loadAppArmor(found, { reader: hostReader, logger, capture, parser: findAppArmorParser() });

  // What everything else is given: time, chance, background work, state.
  const reloadable = reloadableOf(config, orElse(config.registries.proxies, proxies));
  const clock = systemClock();
  const now = () => new Date();
  const random = { bytes: (count: number) => randomBytes(count) };
  const reportFailure = (name: string, error: unknown) =>
    logger.error("background work failed", { work: name, error: messageOf(error), stack: (error as Error)?.stack });
  const background = new Background(reportFailure);
  const database = stack.use(
    openDatabase(join(dataRoot, "tug.db"), [...networkMigrations, ...IMAGE_MIGRATIONS, ...containerMigrations]),
  );
  const history = stack.use(openDatabase(join(dataRoot, "events.db"), EVENT_MIGRATIONS, { survives: "crash" }));
  const events = createEvents({ database: history, clock, report: (error) => reportFailure("event history", error) });

  // Hands, storage, network.
  const executorPath = await placeExecutor(execRoot);
  const executor = stack.use(
    createProcessExecutor({ binaryPath: executorPath, socketsDir: join(execRoot, "sockets"), log: logger }),
  );
  const trash = stack.use(
    new Trash({
      deleteTrees: (paths) => deleteTrees(executor, paths),
      after: (delayMs, callback) => clock.after(delayMs, callback),
      report: reportFailure,
    }),
  );
  const workers = stack.use(
    createThreads({
      entry: workerEntry(),
      limit: Math.min(availableParallelism(), THREAD_LIMIT),
      after: (delayMs, callback) => clock.after(delayMs, callback),
    }),
  );
  const content = await createContentStore(join(dataRoot, "content"));
  await content.clean();
  const snapshotter = await selectSnapshotter({
    root: join(dataRoot, "snapshots"),
    imagesDir: join(execRoot, "images"),
    content,
    executor,
    workers,
    trash,
    preferred: config.storageDriver,
    passedOver: (driver, reason) => logger.warn("storage driver does not work here", { driver, reason }),
  });
  const randomId = () => randomBytes(32).toString("hex");
  const networks = stack.use(
    createNetworks({ database, executor, config: config.network, now, log: logger, randomId }),
  );

  const registries = registriesOfHost({ settings: () => reloadable.registries, clock, release });

  // The nouns that users see.
  const images = createImages({
    database,
    content,
    snapshots: snapshotter,
    events,
    clock,
    workers,
    registries,
    containersUsing: (id) => containers.usersOf(id),
    garbage: () => garbage.request(),
    platform: platformOf(host.architecture),
  });
  const garbage = createGarbageCollector({ content, snapshots: snapshotter, roots: () => [images], background });
  // Once containers are let go of: what is still under way uses the parts above.
  stack.defer(() => background.join());
  stack.use(collectRegularly(garbage, clock));
  const containers = stack.use(
    createContainers(database, {
      executor,
      readExitRecord,
      snapshotter,
      images,
      networks,
      events,
      host,
      reader: hostReader,
      clock,
      random,
      background,
      trash,
      logger,
      layout: new Layout({ dataRoot, execRoot }),
      defaults: config.containers,
      hostname,
      processID: process.pid,
      // An image that was removed by force went on living for its containers.
      removed: (image) => {
        if (!images.isKnown(image)) garbage.request();
      },
      capture,
    }),
  );

  // From here on records and machine agree.
  const running = await containers.reconcile();
  await networks.reconcile(running);
  await images.seed({ name: "tug/hello:latest", program: await readHello(), path: "/hello" });
  garbage.request();
  containers.resumeRestarts();

  const system = createSystem({ release, config, reloadable, host, storageDriver: snapshotter.name, executorPath });
  const owned = stack.move();
  return {
    containers,
    volumes: containers.volumes,
    images,
    explorer: createImageExplorer({ images, content, snapshots: snapshotter }),
    networks,
    registries,
    content,
    events,
    system,
    reloadable,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Disks and networks give no more to do than so many threads can. */
const THREAD_LIMIT = 4;

/** All in one process of the executor; should one tree resist, each by itself. */
async function deleteTrees(executor: Executor, paths: readonly string[]): Promise<void> {
  const remove = (path: string) => ({ op: "remove-tree", path }) as const;
  await executor.run(paths.map(remove)).catch(async () => {
    const results = await Promise.allSettled(paths.map((path) => executor.run([remove(path)])));
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  });
}

/** In the words of image-spec. */
function platformOf(architecture: "x86_64" | "aarch64") {
  return architecture === "x86_64"
    ? { os: "linux", architecture: "amd64" }
    : { os: "linux", architecture: "arm64", variant: "v8" };
}
