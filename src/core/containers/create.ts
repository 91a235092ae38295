import { mkdir, rm, stat } from "node:fs/promises";
import { isAbsolute, normalize } from "node:path";
import type { ContainerConfig, HostConfig } from "#api/engine";
import type { Image } from "#core/images";
import { fitResources, validateHostConfig } from "#core/runtime";
import { isKind } from "#lib/errors";
import { formatNano } from "#lib/time";
import type { Container, ContainerID } from "./container.ts";
import type { CreateRequest } from "./containers.ts";
import { type Context, emit } from "./context.ts";
import { noCommand, noSuchReferenced, refused } from "./errors.ts";
import { validateHealthCheck } from "./health-check.ts";
import { normalizeHostConfig } from "./host-config.ts";
import { findImageMounts } from "./image-mounts.ts";
import { resolveLinks } from "./links.ts";
import { validateLogConfig } from "./log-options.ts";
import { joinCommand, mergeConfig } from "./merge-config.ts";
import { type MountPlan, planMounts, withVolumes } from "./mount-points.ts";
import { inventName, newID, parseName } from "./names.ts";
import { planNetworking } from "./networking.ts";
import { imageFor, platformWarnings } from "./platform.ts";
import { validatePorts } from "./ports.ts";
import { validateRestartPolicy } from "./restart-policy.ts";
import { parseSignal } from "./signals.ts";

/** Makes a container: checks the request, then its data, then its record. What fails leaves nothing behind. */
export async function create(
  context: Context,
  request: CreateRequest,
): Promise<{ id: ContainerID; warnings: string[] }> {
  await using undo = new AsyncDisposableStack();
  const { container, warnings } = await draft(context, request, undo);
  context.store.save(container);
  context.creating.delete(container.id);
  undo.move();
  await context.store.durable();
  emit(context, "create", container);
  return { id: container.id, warnings };
}

/** All of a container but its record. Whoever calls decides: `undo` takes everything back. */
export async function draft(
  context: Context,
  request: CreateRequest,
  undo: AsyncDisposableStack,
): Promise<{ container: Container; warnings: string[] }> {
  const id = newID(context.random);
  const name = chooseName(context, id, request.name);
  undo.use(context.store.reserveName(name, id));
  const image = await imageFor(context, request);
  context.creating.set(id, { id, imageID: image.id, mounts: [] });
  undo.defer(() => void context.creating.delete(id));
  const { mounts, warnings, ...asked } = interpret(context, request, { id, image });
  const imageMounts = await findImageMounts(context, asked.hostConfig);
  if (imageMounts.length > 0) warnings.push("Image mount is an experimental feature");
  context.creating.set(id, { id, imageID: image.id, mounts: mounts.points, imageMounts });
  await makeData(context, { id, image, mounts }, undo);
  for (const { imageID } of imageMounts) await context.images.prepare(imageID);
  const container: Container = {
    id,
    name,
    createdAt: formatNano(context.clock.nowNano()),
    imageID: image.id,
    layers: image.document.rootfs.diff_ids,
    imageName: request.config.Image ?? "",
    platform: "linux",
    ...asked,
    mounts: mounts.points,
    ...(imageMounts.length > 0 ? { imageMounts } : {}),
    desired: "stop",
    state: { status: "created" },
    restartCount: 0,
  };
  return { container, warnings };
}

function chooseName({ random, store }: Context, id: ContainerID, asked: string): string {
  return asked === "" ? inventName(id, random, (name) => store.isNameFree(name)) : parseName(asked);
}

interface Interpreted extends Pick<Container, "config" | "hostConfig" | "networking" | "links" | "path" | "args"> {
  readonly mounts: MountPlan;
  readonly warnings: string[];
}

/** What a request comes to with its image and the engine's defaults. Nothing is made yet. @throws `invalid-parameter` */
function interpret(
  context: Context,
  request: CreateRequest,
  { id, image }: { id: ContainerID; image: Image },
): Interpreted {
  const { config: asked, ...network } = planNetworking(request);
  const config = completeConfig(asked, image, {
    id,
    hostConfig: request.hostConfig,
    hostname: context.hostname(),
  });
  const normal = normalizeHostConfig(request.hostConfig, context.defaults, context.host);
  const fitted = fitResources(normal, context.host.cgroups.limits);
  validate(context, config, fitted.resources);
  const links = resolveLinks(context.store, fitted.resources);
  const hostConfig = withJoinedIDs(context, fitted.resources);
  const warnings = [
    ...platformWarnings(image, request, context.host.architecture),
    ...fitted.warnings,
    ...network.warnings,
  ];
  const [path, ...args] = joinCommand(config);
  if (path === undefined) throw noCommand();
  const mounts = planMounts({
    hostConfig,
    volumes: Object.keys(config.Volumes ?? {}),
    mountsOf: (reference) => referenced(context, reference).mounts,
    volumePath: (volume) => context.layout.volume(volume),
    random: context.random,
  });
  const { networking } = network;
  return { config, hostConfig, networking, ...(links.length > 0 ? { links } : {}), path, args, mounts, warnings };
}

async function makeData(
  context: Context,
  { id, image, mounts }: { id: ContainerID; image: Image; mounts: MountPlan },
  undo: AsyncDisposableStack,
): Promise<void> {
  await requireSources(mounts.requireSources);
  await context.images.prepare(image.id);
  await context.snapshotter.create(id, image.document.rootfs.diff_ids);
  undo.defer(() => context.snapshotter.remove(id));
  const folder = context.layout.container(id);
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  await mkdir(folder, { recursive: true, mode: 0o710 });
  for (const volume of mounts.newVolumes) {
    const volumeFolder = context.layout.volume(volume);
    undo.defer(() => rm(volumeFolder, { recursive: true, force: true }));
    await mkdir(`${volumeFolder}/_data`, { recursive: true, mode: 0o755 });
  }
  for (const source of mounts.createSources) await mkdir(source, { recursive: true }).catch(tolerateFile(source));
}

/** A bind source that is there already may as well be a file or a socket. */
function tolerateFile(source: string) {
  return async (cause: unknown) => {
    if (await stat(source).catch(() => undefined)) return;
    throw refused(
      `error while creating mount source path '${source}': ${cause instanceof Error ? cause.message : cause}`,
    );
  };
}

async function requireSources(sources: readonly string[]): Promise<void> {
  for (const source of sources) {
    if (await stat(source).catch(() => undefined)) continue;
    throw refused(`invalid mount config for type "bind": bind source path does not exist: ${source}`);
  }
}

function completeConfig(
  asked: ContainerConfig,
  image: Image,
  { id, hostConfig, hostname }: { id: ContainerID; hostConfig: HostConfig; hostname: string },
): ContainerConfig {
  const config = mergeConfig(asked, image.document.config ?? {});
  if (config.WorkingDir && !isAbsolute(config.WorkingDir)) {
    throw refused(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  }
  return {
    ...config,
    Hostname: config.Hostname || (hostConfig.NetworkMode === "host" ? hostname : id.slice(0, 12)),
    Domainname: config.Domainname ?? "",
    WorkingDir: config.WorkingDir ? normalize(config.WorkingDir).replace(/(.)\/$/, "$1") : "",
  };
}

const CONTAINER = "container:";

/** A container that another one's options name. Its absence is no 404: clients would take that for the image's. */
function referenced(context: Context, reference: string): Container {
  try {
    return context.store.resolve(reference);
  } catch (error) {
    throw isKind(error, "not-found") ? noSuchReferenced(reference) : error;
  }
}

/** Other containers in modes by their ID, whatever they are called later. One whose network is to be joined may come to be later. */
function withJoinedIDs(context: Context, hostConfig: HostConfig): HostConfig {
  const { IpcMode: ipc, PidMode: pid, NetworkMode: network } = hostConfig;
  const named = (mode: string) => CONTAINER + referenced(context, mode.slice(CONTAINER.length)).id;
  return {
    ...hostConfig,
    ...(ipc?.startsWith(CONTAINER) ? { IpcMode: named(ipc) } : {}),
    ...(pid?.startsWith(CONTAINER) ? { PidMode: named(pid) } : {}),
    ...(network?.startsWith(CONTAINER) && isThere(context, network.slice(CONTAINER.length))
      ? { NetworkMode: named(network) }
      : {}),
  };
}

function isThere({ store }: Context, reference: string): boolean {
  try {
    return store.resolve(reference) !== undefined;
  } catch {
    return false;
  }
}

/** @throws `invalid-parameter` */
function validate(context: Context, config: ContainerConfig, hostConfig: HostConfig): void {
  if (config.StopSignal) parseSignal(config.StopSignal);
  for (const entry of config.Env ?? []) {
    if (entry === "" || entry.startsWith("=")) throw refused(`invalid environment variable: ${entry}`);
    if (entry.includes("\0")) throw refused("invalid environment variable: it holds a NUL byte");
  }
  validateHealthCheck(config.Healthcheck);
  validateRestartPolicy(hostConfig.RestartPolicy ?? {}, hostConfig.AutoRemove === true);
  validateLogConfig(hostConfig.LogConfig ?? {});
  validatePorts(config, hostConfig);
  const runtime = hostConfig.Runtime ?? "";
  if (!context.defaults.runtimes.has(runtime)) throw refused(`unknown or invalid runtime name: ${runtime}`);
  validateHostConfig(withVolumes(hostConfig, []), { host: context.host, reader: context.reader });
}
