import { EngineError } from "#lib/errors";
import type { Endpoint } from "./endpoint.ts";

/** Received and not yet read: above this the socket is paused, so that a slow reader bounds our memory. */
const HIGH_WATER_BYTES = 1 << 20;

/** A byte stream to the engine, both directions of which end on their own. */
export interface Connection extends Disposable {
  /** The next bytes, or `undefined` once the engine has ended its direction. Throws `unavailable` if the connection broke. */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves when the bytes have left for the kernel. */
  write(bytes: Uint8Array): Promise<void>;
  /** False once either side is known to have ended. */
  readonly isOpen: boolean;
  /** Ends our direction; the engine's goes on. */
  closeWrite(): void;
  close(): void;
}

/**
 * Connects to an engine.
 *
 * Bun's own sockets and not `node:net`, since loading the latter costs 1.5 ms of the 5 that a command may take.
 *
 * @throws EngineError `unavailable` if nobody listens, `forbidden` if the socket's mode keeps us out.
 */
export async function connect(endpoint: Endpoint): Promise<Connection> {
  const connection = new BunConnection(endpoint.kind === "tcp" ? endpoint.tls?.verify !== false : false);
  const socket = connection.handlers();
  try {
    if (endpoint.kind === "unix") {
      await Bun.connect({ unix: endpoint.path, socket, allowHalfOpen: true });
    } else {
      const { hostname, port, tls } = endpoint;
      await Bun.connect({
        hostname,
        port,
        socket,
        allowHalfOpen: true,
        ...(tls === undefined ? {} : { tls: tlsOptions(hostname, tls) }),
      });
      await connection.secured(tls !== undefined);
    }
  } catch (error) {
    throw connectError(endpoint, error);
  }
  return connection;
}

type Tls = NonNullable<Extract<Endpoint, { kind: "tcp" }>["tls"]>;

function tlsOptions(hostname: string, tls: Tls): Bun.TLSOptions {
  return {
    serverName: hostname,
    rejectUnauthorized: tls.verify,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
  };
}

function connectError(endpoint: Endpoint, cause: unknown): EngineError {
  const code = (cause as { code?: unknown }).code;
  if (code === "EACCES" || code === "EPERM") {
    return new EngineError("forbidden", `permission denied while trying to connect to the engine at ${endpoint.host}`, {
      cause,
      data: { host: endpoint.host, connecting: true },
    });
  }
  return new EngineError("unavailable", `cannot connect to the engine at ${endpoint.host}`, {
    cause,
    data: { host: endpoint.host, connecting: true },
  });
}

/** Turns Bun's callbacks into reads and writes that wait. */
class BunConnection implements Connection {
  #socket: Bun.Socket<undefined> | undefined;
  readonly #received: Uint8Array[] = [];
  #receivedBytes = 0;
  #paused = false;
  #ended = false;
  #closed = false;
  #failure: EngineError | undefined;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;
  readonly #handshake = Promise.withResolvers<void>();
  readonly #verifies: boolean;

  constructor(verifies: boolean) {
    this.#verifies = verifies;
  }

  handlers(): Bun.SocketHandler<undefined> {
    return {
      open: (socket) => {
        this.#socket = socket;
      },
      data: (_socket, bytes) => this.#receive(bytes),
      drain: () => this.#wake(),
      end: () => this.#end(),
      close: (_socket, error) => {
        this.#closed = true;
        this.#end(error);
      },
      error: (_socket, error) => this.#end(error),
      handshake: (_socket, success, error) => {
        // Bun tells the fault of a certificate also to those who do not mind.
        if (success && (error === null || !this.#verifies)) this.#handshake.resolve();
        else this.#handshake.reject(error ?? new Error("TLS handshake failed"));
      },
    };
  }

  /** Waits for the TLS handshake, so that a refused certificate is an error of connecting and not of the first request. */
  secured(tls: boolean): Promise<void> {
    if (!tls) this.#handshake.resolve();
    return this.#handshake.promise;
  }

  get isOpen(): boolean {
    return !this.#ended && !this.#closed && this.#failure === undefined;
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#received.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    const bytes = this.#received.shift()!;
    this.#receivedBytes -= bytes.length;
    if (this.#paused && this.#receivedBytes < HIGH_WATER_BYTES / 2) {
      this.#paused = false;
      this.#socket?.resume();
    }
    return bytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#closed) throw brokenConnection();
      const written = this.#socket?.write(rest) ?? -1;
      if (written < 0) throw brokenConnection();
      rest = rest.subarray(written);
      if (rest.length === 0) return;
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
    }
  }

  closeWrite(): void {
    this.#socket?.shutdown();
  }

  close(): void {
    this.#ended = true;
    this.#closed = true;
    this.#socket?.terminate();
    this.#wake();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #receive(bytes: Uint8Array): void {
    this.#received.push(bytes);
    this.#receivedBytes += bytes.length;
    if (!this.#paused && this.#receivedBytes > HIGH_WATER_BYTES) {
      this.#paused = true;
      this.#socket?.pause();
    }
    this.#wake();
  }

  #end(error?: Error): void {
    if (error !== undefined && error !== null && !this.#ended) this.#failure = brokenConnection(error);
    this.#handshake.reject(error ?? new Error("connection closed during the TLS handshake"));
    this.#handshake.promise.catch(() => undefined);
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeWriter?.();
    this.#wakeReader = undefined;
    this.#wakeWriter = undefined;
  }
}

function brokenConnection(cause?: unknown): EngineError {
  return new EngineError("unavailable", "the connection to the engine broke", { cause });
}
