import { connect as connectSocket, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { EngineError } from "#lib/errors";
import type { Clock } from "#lib/time";
import { type Address, showAddress } from "./address.ts";

/** Time for a connection to be there, TLS included. */
const CONNECT_LIMIT_MS = 10_000;

export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized: boolean;
}

export interface StreamOptions {
  readonly clock: Clock;
  readonly tls?: TlsOptions;
  /** Longer than this no write may take; endless unless given. */
  readonly writeLimitMs?: number;
  /** What the other side sends; nobody looks at it otherwise. */
  readonly onData?: (data: Buffer) => void;
}

/** A connection that carries bytes: tcp, tls or unix. */
export class StreamConnection implements Disposable {
  /** What the kernel took may still be lost with the connection: what the other side did not read when it died. */
  static readonly DOUBT_MS = 1000;
  readonly lost: Promise<Error>;
  readonly #socket: Socket;
  readonly #name: string;
  readonly #options: StreamOptions;

  private constructor(socket: Socket, name: string, options: StreamOptions) {
    const lost = Promise.withResolvers<Error>();
    this.lost = lost.promise;
    this.#socket = socket;
    this.#name = name;
    this.#options = options;
    socket.on("error", (cause) => lost.resolve(unavailable(name, cause.message, cause)));
    socket.on("end", () => lost.resolve(unavailable(name, "it closed the connection")));
    socket.on("close", () => lost.resolve(unavailable(name, "the connection was closed")));
    socket.on("data", (data: Buffer) => options.onData?.(data));
  }

  /** @throws `unavailable` */
  static async open(address: Address, options: StreamOptions, signal: AbortSignal): Promise<StreamConnection> {
    const name = showAddress(address);
    const socket = socketTo(address, options.tls);
    const connected = new Promise<void>((resolve, reject) => {
      socket.once(options.tls ? "secureConnect" : "connect", () => resolve());
      socket.on("error", (cause) => reject(unavailable(name, cause.message, cause)));
      socket.once("close", () => reject(unavailable(name, "the connection was closed")));
    });
    try {
      await limited(connected, { ms: CONNECT_LIMIT_MS, clock: options.clock, signal, name });
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return new StreamConnection(socket, name, options);
  }

  /** Resolves when the kernel has taken all of it. @throws `unavailable` when the connection ends or the write takes too long */
  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    if (bytes.length === 0) return;
    const written = new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (cause) => {
        if (cause) reject(unavailable(this.#name, cause.message, cause));
        else resolve();
      });
    });
    await this.answer(written, this.#options.writeLimitMs, signal);
  }

  /** Waits for something that the other side is to do. @throws `unavailable` when the connection ends or it takes too long */
  async answer(awaited: Promise<void>, limitMs: number | undefined, signal: AbortSignal): Promise<void> {
    const lost = this.lost.then((error) => Promise.reject(error));
    lost.catch(() => undefined);
    const either = Promise.race([awaited, lost]);
    await limited(either, { ms: limitMs, clock: this.#options.clock, signal, name: this.#name });
  }

  [Symbol.dispose](): void {
    // What the kernel has goes out; what it did not take is sent again by whoever comes next.
    this.#socket.destroySoon();
  }
}

/** @throws `unavailable` after so many milliseconds, the signal's reason when that is aborted */
async function limited(
  work: Promise<void>,
  { ms, clock, signal, name }: { ms: number | undefined; clock: Clock; signal: AbortSignal; name: string },
): Promise<void> {
  signal.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const giveUp = () => stopped.reject(signal.reason);
  signal.addEventListener("abort", giveUp, { once: true });
  const cancel =
    ms === undefined ? undefined : clock.after(ms, () => stopped.reject(unavailable(name, "it does not answer")));
  work.catch(() => undefined);
  try {
    await Promise.race([work, stopped.promise]);
  } finally {
    cancel?.();
    signal.removeEventListener("abort", giveUp);
  }
}

function socketTo(address: Address, tls: TlsOptions | undefined): Socket {
  if ("path" in address) return connectSocket({ path: address.path });
  const { host, port } = address;
  if (!tls) return connectSocket({ host, port });
  const isName = !/^[\d.]+$|:/.test(host);
  return connectTls({ host, port, ...tls, ...(isName ? { servername: host } : {}), minVersion: "TLSv1.2" });
}

export function unavailable(name: string, reason: string, cause?: unknown): EngineError {
  return new EngineError("unavailable", `send to ${name}: ${reason}`, { cause });
}
