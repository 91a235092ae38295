import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Limits } from "./limits.ts";
import type { HttpHandler } from "./message.ts";
import { HttpServer } from "./server.ts";

const DATE = new Date("2026-01-02T03:04:05Z");

/** A server on a socket of its own, and clients that speak to it byte by byte. */
export class TestServer implements AsyncDisposable {
  readonly errors: unknown[] = [];
  readonly path: string;
  readonly server: HttpServer;
  readonly #folder = mkdtempSync(join(tmpdir(), "tug-http-"));

  constructor(handler: HttpHandler, limits: Partial<Limits> = {}) {
    this.path = join(this.#folder, "server.sock");
    this.server = new HttpServer({ handler, limits, now: () => DATE, onError: (error) => this.errors.push(error) });
  }

  async listen(): Promise<this> {
    await this.server.listen({ kind: "unix", path: this.path, mode: 0o600 });
    return this;
  }

  client(text = ""): TestClient {
    return new TestClient(connect({ path: this.path, allowHalfOpen: true }), text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close(0);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Gathers what a server sends. */
export class TestClient {
  readonly socket: Socket;
  /** What the server sent so far. */
  received = "";
  readonly #ended = Promise.withResolvers<void>();
  #check: (() => void) | undefined;

  constructor(socket: Socket, text: string) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.received += chunk.toString("latin1");
      this.#check?.();
    });
    for (const event of ["end", "close", "error"]) socket.on(event, () => this.#ended.resolve());
    if (text !== "") socket.write(text);
  }

  /** Resolves when the text has arrived; to all that has. */
  async until(text: string): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#check = () => this.received.includes(text) && resolve();
      this.#check();
    });
    return this.received;
  }

  /** Resolves when the server has closed its side; to all that it sent. */
  async end(): Promise<string> {
    await this.#ended.promise;
    this.socket.destroy();
    return this.received;
  }
}

/** A request with a `Host`. */
export function request(line: string, headers: readonly string[] = [], body = ""): string {
  return [`${line} HTTP/1.1`, "Host: test", ...headers, "", body].join("\r\n");
}
