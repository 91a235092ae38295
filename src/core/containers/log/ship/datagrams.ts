import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { messageOf } from "#lib/errors";
import { type Address, showAddress } from "./address.ts";
import type { SinkMachine } from "./sink.ts";
import { unavailable } from "./stream.ts";

/** Somebody to whom messages are sent one by one. */
export interface DatagramConnection extends Disposable {
  /** See `Sink.doubtMs`. */
  readonly doubtMs: number;
  readonly lost: Promise<Error>;
  /** In order. Resolves when the kernel has all of them. @throws `unavailable` */
  send(messages: readonly Uint8Array[], signal: AbortSignal): Promise<void>;
}

/** @throws `unavailable` */
export async function openDatagrams(
  address: Extract<Address, { transport: "udp" | "unixgram" }> | Address,
  machine: SinkMachine,
): Promise<DatagramConnection> {
  return "path" in address ? unixDatagrams(address.path, machine) : await udpDatagrams(address);
}

/** Through the executor: JavaScript has no such sockets. The kernel refuses a message to somebody who is not there. */
function unixDatagrams(path: string, { executor }: SinkMachine): DatagramConnection {
  return {
    doubtMs: 0,
    lost: new Promise(() => undefined),
    async send(messages) {
      for (const part of parts(messages)) {
        await executor.run([{ op: "datagrams", path, messages: packed(part) }]).catch((cause) => {
          throw unavailable(`unixgram://${path}`, messageOf(cause), cause);
        });
      }
    },
    [Symbol.dispose]: () => undefined,
  };
}

/** A plan has a limit of its own, far above this. */
const PLAN_BYTES = 256 * 1024;

/** The messages in groups that a plan can carry. */
function* parts(messages: readonly Uint8Array[]): Generator<Uint8Array[]> {
  let part: Uint8Array[] = [];
  let size = 0;
  for (const message of messages) {
    if (size > 0 && size + message.length > PLAN_BYTES) {
      yield part;
      part = [];
      size = 0;
    }
    part.push(message);
    size += message.length;
  }
  if (part.length > 0) yield part;
}

function packed(messages: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    messages.flatMap((message) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(message.length);
      return [length, message];
    }),
  );
}

/** Connected, so that the kernel tells when nobody listens there: this comes with a later call, or by itself. */
async function udpDatagrams(address: Address & { host: string; port: number }): Promise<DatagramConnection> {
  const name = showAddress(address);
  const found = await lookup(address.host || "localhost").catch((cause) => {
    throw unavailable(name, messageOf(cause), cause);
  });
  const socket = createSocket(found.family === 6 ? "udp6" : "udp4");
  const lost = Promise.withResolvers<Error>();
  socket.on("error", (cause) => lost.resolve(unavailable(name, cause.message, cause)));
  // Logs alone keep no daemon alive that is about to end.
  socket.unref();
  await new Promise<void>((resolve) => socket.connect(address.port, found.address, () => resolve()));
  return {
    doubtMs: UDP_DOUBT_MS,
    lost: lost.promise,
    async send(messages, signal) {
      for (const message of messages) {
        signal.throwIfAborted();
        await Promise.race([sendOne(socket, message, name), lost.promise.then((error) => Promise.reject(error))]);
      }
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

/** The word that nobody listens takes one way to the other machine and back. */
const UDP_DOUBT_MS = 500;

function sendOne(socket: Socket, message: Uint8Array, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(message, (cause) => (cause ? reject(unavailable(name, cause.message, cause)) : resolve()));
  });
}
