import { chmodSync, chownSync, lstatSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { EngineError } from "#lib/errors";
import { Connection } from "./connection.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import type { HttpHandler } from "./message.ts";

export interface HttpServerOptions {
  readonly handler: HttpHandler;
  readonly limits?: Partial<Limits>;
  readonly now: () => Date;
  /** Told what a handler or a streamed body threw: bugs, since both have their own answers to errors of the world. */
  readonly onError: (error: unknown) => void;
}

export type ListenAddress =
  | { readonly kind: "unix"; readonly path: string; readonly mode: number; readonly gid?: number }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls?: TlsOptions }
  /** A listening socket that was inherited (systemd's socket activation). */
  | { readonly kind: "fd"; readonly fd: number };

/** PEM texts. With `ca` every client must show a certificate that it signed. */
export interface TlsOptions {
  readonly certificate: string;
  readonly key: string;
  readonly ca?: string;
}

// Dead peers of a TCP connection are found after about two minutes of silence.
const TCP_KEEPALIVE_MS = 30_000;

/** An HTTP/1.1 server on any number of listeners, all with one handler. */
export class HttpServer implements AsyncDisposable {
  readonly #options: HttpServerOptions;
  readonly #limits: Limits;
  readonly #date: () => string;
  readonly #listeners: Server[] = [];
  readonly #connections = new Map<Connection, Promise<void>>();

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#date = dateHeader(options.now);
  }

  /**
   * Opens a listener. A socket file that nobody serves is replaced.
   *
   * @returns the port that was bound, which matters when 0 was asked for; 0 for other kinds
   * @throws EngineError `conflict` when another process listens there; `internal` for what the kernel refuses
   */
  async listen(address: ListenAddress): Promise<number> {
    if (address.kind === "unix") await removeStaleSocket(address.path);
    const server = this.#createServer(address);
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => reject(listenError(address, cause)));
      server.once("listening", resolve);
      if (address.kind === "unix") server.listen(address.path);
      else if (address.kind === "fd") server.listen({ fd: address.fd });
      else server.listen(address.port, address.host);
    });
    this.#listeners.push(server);
    if (address.kind === "unix") {
      if (address.gid !== undefined) chownSync(address.path, 0, address.gid);
      chmodSync(address.path, address.mode);
    }
    const bound = server.address();
    return typeof bound === "object" && bound?.port ? bound.port : 0;
  }

  /**
   * Stops accepting, ends idle connections and endless responses at once, gives requests at work `graceMs` to be
   * answered, then hangs up. A second call waits for the same end.
   */
  async close(graceMs: number): Promise<void> {
    for (const listener of this.#listeners.splice(0)) listener.close();
    for (const connection of this.#connections.keys()) connection.close();
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, graceMs);
    await Promise.race([Promise.all(this.#connections.values()), patience.promise]);
    clearTimeout(timer);
    for (const connection of this.#connections.keys()) connection.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(0);
  }

  #createServer(address: ListenAddress): Server {
    const accept = (socket: Socket) => this.#accept(socket);
    if (address.kind !== "tcp" || !address.tls) return createServer({ allowHalfOpen: true }, accept);
    const { certificate, key, ca } = address.tls;
    return createTlsServer(
      {
        cert: certificate,
        key,
        minVersion: "TLSv1.2",
        allowHalfOpen: true,
        ...(ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true }),
      },
      accept,
    );
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= this.#limits.connections) {
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    const connection = new Connection(socket, {
      handler: this.#options.handler,
      limits: this.#limits,
      date: this.#date,
      onError: this.#options.onError,
    });
    this.#connections.set(
      connection,
      connection.serve().finally(() => this.#connections.delete(connection)),
    );
  }
}

/** Formats the date at most once a second. */
function dateHeader(now: () => Date): () => string {
  let second = Number.NaN;
  let text = "";
  return () => {
    const time = now();
    if (Math.floor(time.getTime() / 1000) !== second) {
      second = Math.floor(time.getTime() / 1000);
      text = time.toUTCString();
    }
    return text;
  };
}

async function removeStaleSocket(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  const served = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
  if (served) throw new EngineError("conflict", `listen on "${path}": another process listens there`);
  unlinkSync(path);
}

function listenError(address: ListenAddress, cause: Error): EngineError {
  const name =
    address.kind === "unix"
      ? address.path
      : address.kind === "fd"
        ? `fd ${address.fd}`
        : `${address.host}:${address.port}`;
  const kind = (cause as NodeJS.ErrnoException).code === "EADDRINUSE" ? "conflict" : "internal";
  return new EngineError(kind, `listen on "${name}": ${cause.message}`, { cause });
}
