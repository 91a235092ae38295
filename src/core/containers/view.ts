/**
 * A container's files as host plans see them, whether it runs or not.
 *
 * One that runs has its root filesystem mounted, and that very mount is looked at: overlayfs does not promise that a second one
 * would show the same. One that does not run is mounted for the plan alone. To look, without regard to others: what the
 * plan writes goes elsewhere. To write, with its upper directory, which must not be mounted twice: writers take turns, and a start
 * waits for them (`writing`).
 */
import { access, stat } from "node:fs/promises";
import { type FilesBind, type FilesRoot, filesPlan, scratchOf } from "#core/runtime";
import type { HostOp } from "#executor";
import { EngineError } from "#lib/errors";
import type { Container, ContainerID } from "./container.ts";
import { type Context, settled, whenSettled } from "./context.ts";
import { makeMountPoints } from "./root-mount-points.ts";
import { isRunning } from "./state.ts";

/** What is wanted of the files. `mounts`: with volumes and binds over the root filesystem. */
interface ViewOptions {
  readonly mounts: boolean;
  readonly writable: boolean;
}

/**
 * Calls `act` with the beginning of a plan: what opens the container's files. A container that ends in between is looked at
 * again, as one that does not run.
 */
export async function withView<T>(
  context: Context,
  id: ContainerID,
  { act, ...options }: ViewOptions & { act: (ops: readonly HostOp[]) => Promise<T> },
): Promise<T> {
  try {
    return await view(context, id, { ...options, act });
  } catch (error) {
    if (!hasEnded(error)) throw error;
    await settled(context, id);
    return await view(context, id, { ...options, act });
  }
}

const ESRCH = 3;

function hasEnded(error: unknown): boolean {
  return error instanceof EngineError && error.data.errno === ESRCH;
}

async function view<T>(
  context: Context,
  id: ContainerID,
  options: ViewOptions & { act: (ops: readonly HostOp[]) => Promise<T> },
): Promise<T> {
  const { container, turn } = await whenSettled(context, id, () => {
    const container = context.store.get(id);
    return { container, turn: options.writable && !isRunning(container.state) ? takeTurn(context, id) : undefined };
  });
  try {
    await turn?.before;
    const root = await rootOf(context, container, options);
    const binds = options.mounts ? await bindsOf(context, container) : [];
    return await looked(id, filesPlan({ root, binds, writable: options.writable }), options.act);
  } finally {
    turn?.end();
  }
}

/** What fails while the files are being opened says nothing about the path that is asked for. */
async function looked<T>(
  id: ContainerID,
  ops: readonly HostOp[],
  act: (ops: readonly HostOp[]) => Promise<T>,
): Promise<T> {
  try {
    return await act(ops);
  } catch (error) {
    const isOurs = error instanceof EngineError && error.data.section === "host" && Number(error.data.op) < ops.length;
    if (!isOurs || hasEnded(error)) throw error;
    throw new EngineError("internal", `open the files of container ${id}: ${error.message}`, { cause: error });
  }
}

/** Writers of a container that does not run come one after the other. */
function takeTurn({ writing }: Context, id: ContainerID): { before: Promise<void> | undefined; end: () => void } {
  const before = writing.get(id);
  const { promise, resolve } = Promise.withResolvers<void>();
  writing.set(id, promise);
  const end = () => {
    if (writing.get(id) === promise) writing.delete(id);
    resolve();
  };
  return { before, end };
}

async function rootOf(context: Context, { id, state }: Container, { writable }: ViewOptions): Promise<FilesRoot> {
  const mounts = await context.snapshotter.mounts(id);
  if (isRunning(state)) return { pid: state.pid, startTicks: state.startTicks, path: mounts.path };
  const scratch = context.layout.scratch;
  const root = writable ? mounts : { ...(await context.snapshotter.look(id, scratchOf(scratch))), scratch };
  await makeMountPoints(root);
  return root;
}

/** Volumes, binds, and the files in /etc that the engine makes. tmpfs is the running container's own, as with Docker. */
async function bindsOf(context: Context, { id, mounts, hostConfig }: Container): Promise<FilesBind[]> {
  const binds = mounts.flatMap(({ Source: source, Destination: target, RW: rw }) =>
    source && target ? [{ source, target, readonly: rw !== true }] : [],
  );
  const files = context.layout.files(id);
  const own = [
    { source: files.resolvConf, target: "/etc/resolv.conf" },
    { source: files.hostname, target: "/etc/hostname" },
    { source: files.hosts, target: "/etc/hosts" },
  ];
  const taken = new Set(binds.map(({ target }) => target));
  for (const file of own)
    if (!taken.has(file.target) && (await exists(file.source)))
      binds.push({ ...file, readonly: hostConfig.ReadonlyRootfs === true });
  return await Promise.all(binds.map(async (bind) => ({ ...bind, create: await kindOf(bind.source) })));
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/** A source that is gone fails in the plan, with its path in the message. */
async function kindOf(path: string): Promise<"directory" | "file"> {
  const found = await stat(path).catch(() => undefined);
  return found && !found.isDirectory() ? "file" : "directory";
}
