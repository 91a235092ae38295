import { unlink } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { EngineError } from "#lib/errors";
import { encodePlan } from "./encode.ts";
import type { StreamPart } from "./executor.ts";
import type { HostPlan } from "./ops.ts";
import { type TreeEntry, TreeReader } from "./tree.ts";

type Run = (plan: HostPlan) => Promise<readonly Uint8Array[]>;

/** What is written to a socket at once, unless a part is larger. */
const WRITE_BYTES = 256 * 1024;

/** Runs a plan whose last op is a `walk` and yields what it sends. Whoever stops early ends the plan, as does the signal. */
export async function* walkTree(
  run: Run,
  plan: HostPlan,
  { socketPath, signal }: { socketPath: Promise<string>; signal?: AbortSignal | undefined },
): AsyncGenerator<TreeEntry> {
  signal?.throwIfAborted();
  const last = plan.at(-1);
  const { socket, ended } = await openStream(run, plan, await socketPath);
  const reader = new TreeReader(socket, { content: last?.op === "walk" && last.content });
  const abort = () => socket.destroy();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    for (let next = reader.next(); ; next = reader.next()) {
      const entry = next instanceof Promise ? await next : next;
      if (entry === undefined) break;
      yield entry;
    }
    await ended;
  } catch (error) {
    signal?.throwIfAborted();
    // Where the plan failed, that is the reason, not the stream that broke off.
    await ended;
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
    socket.destroy();
  }
}

/** Runs a plan whose last op is a `receive`, and sends it these parts. What they throw ends the plan. */
export async function sendTree(
  run: Run,
  plan: HostPlan,
  { parts, socketPath }: { parts: AsyncIterable<StreamPart>; socketPath: string },
): Promise<void> {
  const { socket, ended } = await openStream(run, plan, socketPath);
  try {
    const sending = sendParts(socket, parts);
    // A plan that failed reads no more: the sender may not notice while it waits for its source.
    await Promise.race([sending, ended.then(() => sending)]);
    await ended;
  } finally {
    socket.destroy();
  }
}

async function sendParts(socket: Socket, parts: AsyncIterable<StreamPart>): Promise<void> {
  let pending: Uint8Array[] = [];
  let size = 0;
  const flush = async () => {
    const bytes = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
    pending = [];
    size = 0;
    await write(socket, bytes);
  };
  for await (const part of parts) {
    // Nobody reads: the plan says why.
    if (socket.destroyed) return;
    const bytes = part instanceof Uint8Array ? part : encodePlan([part]);
    pending.push(bytes);
    size += bytes.length;
    if (size >= WRITE_BYTES) await flush();
  }
  pending.push(END);
  await flush();
}

/** A record of nothing. */
const END = new Uint8Array(4);

async function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (socket.destroyed || socket.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}

interface Stream {
  readonly socket: Socket;
  /** The plan's own end. */
  readonly ended: Promise<readonly Uint8Array[]>;
}

/**
 * Listens, starts the plan, and waits until it has connected: as late as the socket can still be reached, so that nothing is read of
 * a source whose plan then fails to open what it is for.
 */
async function openStream(run: Run, plan: HostPlan, socketPath: string): Promise<Stream> {
  const server = createServer();
  const connected = Promise.withResolvers<Socket>();
  server.once("connection", (socket: Socket) => {
    // Its end is seen by whoever reads or writes.
    socket.on("error", () => undefined);
    connected.resolve(socket);
  });
  server.once("error", connected.reject);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  try {
    const at = plan.findIndex(({ op }) => op === "pivot" || op === "walk" || op === "receive");
    const ended = run(plan.toSpliced(at, 0, { op: "connect", path: socketPath })).catch((error) => rethrow(error, at));
    // Whoever has left does not ask how it ended.
    ended.catch(() => undefined);
    const socket = await Promise.race([connected.promise, ended.then(() => connected.promise)]);
    return { socket, ended };
  } finally {
    server.close();
    await unlink(socketPath).catch(() => undefined);
  }
}

/** Ops count as in the caller's plan, which does not have `connect`. */
function rethrow(error: unknown, connect: number): never {
  if (!(error instanceof EngineError) || error.data.section !== "host") throw error;
  const op = Number(error.data.op);
  const data = { ...error.data, op: op > connect ? op - 1 : op };
  throw new EngineError(error.kind, error.message, { data });
}
