import type { ImageID } from "#core/images";
import { confinement } from "#core/runtime";
import { KeyedLock } from "#lib/async";
import type { Database } from "#lib/db";
import { getArchive, statPath } from "./archive.ts";
import { putArchive } from "./archive-put.ts";
import { attach } from "./attach.ts";
import { removeParent } from "./cgroup.ts";
import { changes } from "./changes.ts";
import { commit } from "./commit.ts";
import type { Container, ContainerID } from "./container.ts";
import type { Containers } from "./containers.ts";
import type { Context, Dependencies } from "./context.ts";
import { create } from "./create.ts";
import { createExec, resizeExec, startExec } from "./exec.ts";
import { ExecTable } from "./exec-table.ts";
import { exportFiles } from "./export.ts";
import { kill } from "./kill.ts";
import { linkTexts, namesByLinks } from "./links.ts";
import { list } from "./list.ts";
import { beginLogUpkeep, createShippers } from "./log-upkeep.ts";
import { logs } from "./logs.ts";
import { pause, unpause } from "./pause.ts";
import { PendingAttaches } from "./pending-attaches.ts";
import { plan } from "./plan.ts";
import { prune } from "./prune.ts";
import { reconcile, resumeRestarts } from "./reconcile.ts";
import { remove } from "./remove.ts";
import { rename } from "./rename.ts";
import { resize } from "./resize.ts";
import { restart } from "./restart.ts";
import { size } from "./size.ts";
import { start } from "./start.ts";
import { isRunning } from "./state.ts";
import { stop } from "./stop.ts";
import { ContainerStore } from "./store.ts";
import { top } from "./top.ts";
import { createVolumes, type Volumes } from "./volumes.ts";
import { wait } from "./wait.ts";
import { Waiters } from "./waiters.ts";

/** What the daemon has besides: start and end of the engine itself. */
export interface ContainersLifecycle extends AsyncDisposable {
  /** Makes records and reality agree after a crash or a restart. Called before anybody can ask. Resolves to the IDs of running containers. */
  reconcile(): Promise<ReadonlySet<ContainerID>>;
  readonly volumes: Volumes;
  /** The containers made from an image or mounting it, those being created included. */
  usersOf(image: ImageID): { id: ContainerID; isRunning: boolean }[];
  /** For an engine that leaves this machine, once it has no containers: what they had in common goes. */
  teardown(): Promise<void>;
  /** Starts what restart policies say, once the networks are there. */
  resumeRestarts(): void;
}

/** The containers of this engine. Disposing of it lets go of them: they run on. */
export function createContainers(database: Database, dependencies: Dependencies): Containers & ContainersLifecycle {
  const context: Context = {
    ...dependencies,
    store: new ContainerStore(database),
    locks: new KeyedLock(),
    waiters: new Waiters(),
    attaches: new PendingAttaches(),
    execs: new ExecTable(dependencies.clock),
    creating: new Map(),
    tasks: new Map(),
    starting: new Map(),
    writing: new Map(),
    restarts: new Map(),
    health: new Map(),
    shippers: createShippers(dependencies),
    released: new AbortController(),
  };
  const { store, execs, layout } = context;
  return {
    create: (request) => create(context, request),
    plan: (request) => plan(context, request),
    start: (reference) => start(context, reference),
    stop: (reference, options) => stop(context, reference, options),
    restart: (reference, options) => restart(context, reference, options),
    kill: (reference, signal) => kill(context, reference, signal),
    pause: (reference) => pause(context, reference),
    unpause: (reference) => unpause(context, reference),
    rename: (reference, name) => rename(context, reference, name),
    remove: (reference, options) => remove(context, reference, options),
    prune: (filters) => prune(context, filters),
    wait: (reference, condition, signal) => wait(context, reference, condition, signal),

    get: (reference) => store.resolve(reference),
    list: (query) => list(context, query),
    size: (reference) => size(context, reference),
    top: (reference, psArguments) => top(context, reference, psArguments),
    paths: (id) => layout.files(id),
    appArmorProfile: (id) => appArmorProfile(context, id),
    health: (id) => context.health.get(id),
    links: (id) => linkTexts(store, store.get(id)),
    namesByLinks: () => namesByLinks(store),
    execIDs: (id) => execs.unfinished(id as ContainerID),

    attach: (reference, options) => attach(context, reference, options),
    logs: (reference, options) => logs(context, reference, options),
    resize: (reference, dimensions) => resize(context, reference, dimensions),

    changes: (reference) => changes(context, reference),
    export: (reference, options) => exportFiles(context, reference, options),
    statPath: (reference, path) => statPath(context, reference, path),
    getArchive: (reference, path, options) => getArchive(context, reference, { path, ...options }),
    putArchive: (reference, path, options) => putArchive(context, reference, { path, ...options }),
    commit: (reference, request) => commit(context, reference, request),

    createExec: (reference, config) => createExec(context, reference, config),
    startExec: (id, options) => startExec(context, id, options),
    getExec: (id) => execs.get(id),
    resizeExec: (id, dimensions) => resizeExec(context, id, dimensions),

    volumes: createVolumes(context),
    reconcile: () => reconcile(context),
    usersOf: (image) => usersOf(context, image),
    teardown: () => removeParent(context),
    resumeRestarts: () => {
      beginLogUpkeep(context);
      resumeRestarts(context);
    },
    [Symbol.asyncDispose]: async () => release(context),
  };
}

function appArmorProfile({ store, host }: Context, id: ContainerID): string {
  const { state, hostConfig } = store.get(id);
  return state.status === "created" ? "" : confinement(hostConfig, host);
}

function usersOf({ store, creating }: Context, image: ImageID): { id: ContainerID; isRunning: boolean }[] {
  const uses = ({ imageID, imageMounts }: Pick<Container, "imageID" | "imageMounts">) =>
    imageID === image || imageMounts?.some((mount) => mount.imageID === image) === true;
  const made = [...store.all()].filter(uses);
  const coming = [...creating.values()].filter(uses);
  return [
    ...made.map(({ id, state }) => ({ id, isRunning: isRunning(state) })),
    ...coming.map(({ id }) => ({ id, isRunning: false })),
  ];
}

/** Monitors keep the containers; only the connections end. */
function release(context: Context): void {
  for (const { cancel } of context.restarts.values()) cancel?.();
  for (const { monitor } of context.tasks.values()) monitor.close();
  for (const monitor of context.execs.monitors()) monitor.close();
  context.background.run("release of log shippers", context.shippers.release());
  context.released.abort();
}
