/**
 * One run of a container, from its record to a running program. Everything acquired on the way is given back in
 * reverse order when a step fails.
 *
 *     snapshot mounts ─▶ users of its rootfs ─▶ endpoint, files ─▶ OCI document ─▶ plan ─▶ monitor ─▶ attached clients ─▶ record
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import type { HostConfig } from "#api/engine";
import type { Spec } from "#api/oci";
import type { Endpoint, EndpointPlan } from "#core/networks";
import {
  buildSpec,
  cgroupsPath,
  compileForeignPlan,
  compilePlan as compileOwnPlan,
  formatSpec,
  oomPath,
  resolveUser,
} from "#core/runtime";
import type { Monitor, MonitorSpec, ProcessPlan, StartedRecord } from "#executor";
import type { Container, ContainerID } from "./container.ts";
import { type Context, emit, emitNetwork, type Task } from "./context.ts";
import { effectiveHostConfig } from "./effective-host-config.ts";
import { endMonitor } from "./end-monitor.ts";
import { isBeingRemoved } from "./errors.ts";
import { followEnd } from "./exit.ts";
import { makeFiles } from "./files.ts";
import { emptyVolumes, fillVolumes } from "./fill-volumes.ts";
import { foreignRuntime, isForeign } from "./foreign-runtime.ts";
import { watchHealth } from "./health.ts";
import { imageMountPaths, mountImages } from "./image-mounts.ts";
import { joinNamespaces, joinNetwork, sharedMemory } from "./join.ts";
import { type MonitorFolder, shortened } from "./layout.ts";
import { linkVariables, updateLinkedHosts } from "./links.ts";
import { logOptions } from "./log-options.ts";
import type { PendingAttach } from "./pending-attaches.ts";
import { makeMountPoints } from "./root-mount-points.ts";
import { transition } from "./state.ts";

/** Beyond this a passwd or group file is not read. */
const USER_FILE_LIMIT_BYTES = 1024 * 1024;

/** Resolves when the program runs and the record says so. */
export async function launch(context: Context, container: Container): Promise<void> {
  // Only a start makes it run, so no further writer comes meanwhile.
  await context.writing.get(container.id);
  await using undo = new AsyncDisposableStack();
  const { folder, spec, plan, endpoint } = await compileRun(context, container, undo);
  await writeFile(folder.spec, formatSpec(spec), { mode: 0o600 });

  const filling = fillVolumes(plan, await emptyVolumes(container, undo));
  const clients = context.attaches.take(container.id);
  undo.defer(() => abandon(clients));
  const awaitAttach = clients.length;
  const monitor = await context.executor.start(
    monitorSpec(context, container, { folder, spec, plan: filling, awaitAttach }),
  );
  undo.defer(() => endMonitor(monitor));
  const attached = connect(monitor, clients);
  // A monitor whose program cannot be run is soon gone: that nobody can attach to it is not the reason.
  attached.catch(() => undefined);
  const started = await monitor.started;
  await attached;
  await recordStart(context, container, { monitor, started, spec, endpoint });
  undo.move();
}

/** All of a run that can be had before its process: a folder, a place on the network, the OCI document, the plan. */
export async function compileRun(
  context: Context,
  container: Container,
  undo: AsyncDisposableStack,
): Promise<{ folder: MonitorFolder; spec: Spec; plan: ProcessPlan; endpoint: Endpoint | undefined }> {
  const folder = context.layout.task(container.id);
  await mkdir(folder.path, { recursive: true, mode: 0o700 });
  undo.defer(() => rm(folder.path, { recursive: true, force: true }));
  const network = await joinNetwork(context, container);
  if (network.endpoint) undo.defer(() => context.networks.release(container.id));
  return { folder, endpoint: network.endpoint, ...(await compile(context, container, { network, undo })) };
}

interface NetworkPart {
  readonly endpoint?: Endpoint;
  readonly plan?: EndpointPlan;
}

async function compile(
  context: Context,
  container: Container,
  { network, undo }: { network: NetworkPart; undo: AsyncDisposableStack },
): Promise<{ spec: Spec; plan: ProcessPlan }> {
  const { id } = container;
  const { host, reader } = context;
  const hostConfig = effectiveHostConfig(container, context.defaults);
  const root = await context.snapshotter.mounts(id);
  await makeMountPoints(root);
  const files = await makeFiles(context, container, network.endpoint);
  const shm = sharedMemory(context, container);
  const images = await mountImages(context, container, undo);
  const spec = buildSpec({
    id,
    config: container.config,
    hostConfig,
    environment: linkVariables(context.store, container),
    argv: [container.path, ...container.args],
    user: await findUser(context, container, hostConfig),
    rootPath: root.path,
    files,
    images,
    ...(shm ? { shmPath: shm.path } : {}),
    cgroupsPath: cgroupsPath({ parent: hostConfig.CgroupParent || context.defaults.cgroupParent, id }),
    join: joinNamespaces(context, container),
    host,
    reader,
  });
  const compilePlan = isForeign(context, container) ? compileForeignPlan : compileOwnPlan;
  const plan = compilePlan({
    spec,
    root,
    hostMounts: imageMountPaths(context, container),
    ...(network.plan ? { network: network.plan } : {}),
    ...(shm?.sizeBytes ? { shm: { path: shm.path, sizeBytes: shm.sizeBytes } } : {}),
    init: hostConfig.Init === true,
    host,
    reader,
  });
  return { spec, plan };
}

async function findUser(context: Context, { id, config }: Container, hostConfig: HostConfig) {
  const [passwd, group] = await Promise.all(
    ["/etc/passwd", "/etc/group"].map((path) => context.snapshotter.readFile(id, path, USER_FILE_LIMIT_BYTES)),
  );
  return resolveUser(config.User ?? "", { passwd, group }, hostConfig.GroupAdd ?? []);
}

/** Clients that attached already are connected before the program's first byte. */
async function connect(monitor: Monitor, clients: readonly PendingAttach[]): Promise<void> {
  await Promise.all(clients.map(async ({ options, stream }) => stream.connect(await monitor.attach(options))));
}

/** When the start fails they see the end. */
function abandon(clients: readonly PendingAttach[]): void {
  for (const { stream } of clients) stream.abandon();
}

function monitorSpec(
  context: Context,
  container: Container,
  { folder, spec, plan, awaitAttach }: { folder: MonitorFolder; spec: Spec; plan: ProcessPlan; awaitAttach: number },
): MonitorSpec {
  const { id, config, hostConfig } = container;
  const [height = 0, width = 0] = hostConfig.ConsoleSize ?? [];
  const log = logOptions(hostConfig.LogConfig ?? {}, { ...container, argv: [container.path, ...container.args] });
  const runtime = foreignRuntime(context, container, folder);
  return {
    name: shortened(id).slice(0, 12),
    plan,
    socketPath: folder.socket,
    exitPath: folder.exit,
    stdio: {
      tty: config.Tty === true,
      stdin: config.OpenStdin === true,
      stdinOnce: config.StdinOnce === true,
      width,
      height,
    },
    ...(log ? { log: { path: context.layout.files(id).log, ...log } } : {}),
    awaitAttach,
    oomPath: oomPath(spec.linux?.cgroupsPath ?? "", context.host.cgroups),
    spoolDir: folder.path,
    ...(runtime ? { runtime } : {}),
  };
}

async function recordStart(
  context: Context,
  container: Container,
  run: { monitor: Monitor; started: StartedRecord; spec: Spec; endpoint: Endpoint | undefined },
): Promise<void> {
  const { id } = container;
  await context.locks.run(id, () => {
    const current = context.store.get(id);
    const state = transition(current.state, { type: "started", record: run.started });
    if (!state) throw isBeingRemoved(id);
    const running = context.store.update(id, {
      state,
      config: container.config,
      desired: container.desired,
      restartCount: container.restartCount,
      ...(run.endpoint ? { endpoint: run.endpoint } : {}),
    });
    if (run.endpoint) emitNetwork(context, "connect", running, run.endpoint);
    emit(context, "start", running);
    adopt(context, id, run);
  });
  if (run.endpoint) await updateLinkedHosts(context, context.store.get(id));
  await context.store.durable();
}

/** Enters a container whose monitor is connected into `tasks`; from now on its end is handled. */
export function adopt(
  context: Context,
  id: ContainerID,
  { monitor, started, spec }: { monitor: Monitor; started: StartedRecord; spec: Spec | undefined },
): void {
  const end = Promise.withResolvers<void>();
  const task: Task = {
    monitor,
    pid: started.pid,
    spec,
    ended: end.promise,
    stopping: false,
    freezing: context.store.get(id).state.status === "paused",
    killed: false,
    restarting: false,
  };
  context.tasks.set(id, task);
  if (context.released.signal.aborted) monitor.close();
  context.background.run(
    `end of container ${id}`,
    followEnd(context, id, task).finally(() => end.resolve()),
  );
  context.shippers.follow(context.store.get(id), monitor.exited);
  context.background.run(`health of container ${id}`, watchHealth(context, id, task));
}
