import { type EngineError, isKind } from "#lib/errors";
import { type Connection, connect } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { responseError } from "./errors.ts";
import { encodeChunk, encodeRequestHead, LAST_CHUNK, type ResponseHead, ResponseReader } from "./http1.ts";
import { parseJsonLines } from "./json-lines.ts";
import { compareVersions, negotiate } from "./version.ts";

/** Error bodies are read up to here, as other clients do. */
const MAX_ERROR_BYTES = 1 << 20;
/** Engines and proxies end connections that nobody uses; the first to do so wait for a few seconds. */
const IDLE_MS = 1000;
const DEFAULT_USER_AGENT = "Tug-Client (linux)";

export type QueryValue = string | number | boolean | undefined | readonly string[];
export type Query = Readonly<Record<string, QueryValue>>;

export interface RequestOptions {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it comes, in chunks. */
  readonly body?: AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ask for the route without a version: the engine's newest. The answer tells which that is, and saves the ping. */
  readonly unversioned?: boolean;
  readonly signal?: AbortSignal;
}

export interface EngineResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** The body in the pieces in which it arrives. Leaving the loop early closes the connection. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A connection that was taken over: raw bytes both ways, see §5.1 of the Engine API's attach. */
export interface HijackedStream extends Disposable {
  /** Whether the engine frames its bytes by stream (`Content-Type: …multiplexed-stream`). */
  readonly multiplexed: boolean;
  read(): Promise<Uint8Array | undefined>;
  write(bytes: Uint8Array): Promise<void>;
  /** Ends stdin; output goes on. */
  closeWrite(): void;
  close(): void;
}

export interface PingResult {
  readonly apiVersion: string;
  readonly osType: string;
  readonly experimental: boolean;
  readonly builderVersion: string;
}

export interface EngineClientOptions {
  readonly endpoint: Endpoint;
  /** Fixes the API version (`DOCKER_API_VERSION`) and so switches negotiation off. */
  readonly apiVersion?: string;
  readonly userAgent?: string;
  /** Headers for every request, `HttpHeaders` of the configuration file. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Speaks the Engine API to one engine. Nothing is sent before the first call. */
export class EngineClient {
  readonly endpoint: Endpoint;
  readonly #options: EngineClientOptions;
  #version: string | undefined;
  #negotiation: Promise<string> | undefined;
  /** The connection of an exchange that ended, for the next one. */
  #idle: { connection: Connection; reader: ResponseReader; sinceMs: number } | undefined;

  constructor(options: EngineClientOptions) {
    this.endpoint = options.endpoint;
    this.#options = options;
    this.#version = options.apiVersion;
  }

  /** The version that requests carry: fixed, or negotiated by a ping on the first call. */
  async apiVersion(): Promise<string> {
    if (this.#version !== undefined) return this.#version;
    this.#negotiation ??= this.ping().then((ping) => negotiate(ping.apiVersion));
    this.#version = await this.#negotiation;
    return this.#version;
  }

  /** Whether the engine's version is at least this one. */
  async supports(version: string): Promise<boolean> {
    return compareVersions(await this.apiVersion(), version) >= 0;
  }

  async ping(): Promise<PingResult> {
    const { connection, reader } = await this.#open();
    await connection.write(this.#head("HEAD", "/_ping", {}));
    const head = await reader.head();
    if (isDelimited("HEAD", head)) this.#keep(connection, reader);
    else connection.close();
    return {
      apiVersion: head.headers.get("api-version") ?? "",
      osType: head.headers.get("ostype") ?? "",
      experimental: head.headers.get("docker-experimental") === "true",
      builderVersion: head.headers.get("builder-version") ?? "",
    };
  }

  /**
   * Sends a request and gives its answer's head and body.
   *
   * @throws EngineError of the kind that the status stands for, with the engine's message, for every status ≥ 400.
   */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<EngineResponse> {
    const target = await this.#target(path, options);
    const { connection, reader } = await this.#open();
    const abort = () => connection.close();
    options.signal?.addEventListener("abort", abort, { once: true });
    // A signal that fired while we connected calls no listener any more.
    if (options.signal?.aborted) abort();
    const failed = failureOf(this.#send(connection, method, target, options));
    try {
      const head = await Promise.race([reader.head(), failed]);
      const told = options.unversioned === true ? head.headers.get("api-version") : undefined;
      if (told !== undefined) this.#version ??= negotiate(told);
      const isReusable = options.body === undefined && options.signal === undefined && isDelimited(method, head);
      const body = closing(connection, reader.body(method, head), {
        failed: options.body === undefined ? undefined : failed,
        ended: isReusable ? () => this.#keep(connection, reader) : () => connection.close(),
      });
      if (head.status >= 400) throw await refusal(path, head, body);
      return { status: head.status, headers: head.headers, body };
    } catch (error) {
      connection.close();
      options.signal?.throwIfAborted();
      throw error;
    }
  }

  /** The answer's JSON. The caller names the type that the swagger file gives this route. */
  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    return this.decode<T>(await this.request(method, path, options));
  }

  /** Reads the JSON of an answer whose head is there already. */
  async decode<T>(response: EngineResponse): Promise<T> {
    return JSON.parse(new TextDecoder().decode(await collect(response.body))) as T;
  }

  /** For answers whose body nobody needs. */
  async discard(method: string, path: string, options: RequestOptions = {}): Promise<number> {
    const response = await this.request(method, path, options);
    for await (const _ of response.body);
    return response.status;
  }

  /** The answer's JSON objects, one after the other as they arrive. */
  async *jsonLines<T>(method: string, path: string, options: RequestOptions = {}): AsyncGenerator<T, void> {
    const response = await this.request(method, path, options);
    yield* parseJsonLines<T>(response.body);
  }

  /** Asks the engine to hand over the connection (`Upgrade: tcp`), as attach and exec do. */
  async hijack(path: string, options: RequestOptions = {}): Promise<HijackedStream> {
    const target = await this.#target(path, options);
    const { connection, reader } = await this.#open();
    try {
      const headers = { ...options.headers, Connection: "Upgrade", Upgrade: "tcp" };
      await this.#send(connection, "POST", target, { ...options, headers });
      const head = await reader.head();
      if (head.status >= 400) throw await refusal(path, head, reader.body("POST", head));
      return {
        multiplexed: head.headers.get("content-type") === "application/vnd.docker.multiplexed-stream",
        read: () => reader.read(),
        write: (bytes) => connection.write(bytes),
        closeWrite: () => connection.closeWrite(),
        close: () => connection.close(),
        [Symbol.dispose]: () => connection.close(),
      };
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Connects ahead of a request that will soon follow. Failing is that request's to tell. */
  prepare(): void {
    this.#open().then(
      ({ connection, reader }) => this.#keep(connection, reader),
      () => undefined,
    );
  }

  async #open(): Promise<{ connection: Connection; reader: ResponseReader }> {
    const idle = this.#idle;
    this.#idle = undefined;
    if (idle?.connection.isOpen === true && performance.now() - idle.sinceMs < IDLE_MS) return idle;
    idle?.connection.close();
    const connection = await connect(this.endpoint);
    return { connection, reader: new ResponseReader(connection) };
  }

  #keep(connection: Connection, reader: ResponseReader): void {
    this.#idle?.connection.close();
    this.#idle = { connection, reader, sinceMs: performance.now() };
  }

  async #target(path: string, options: RequestOptions): Promise<string> {
    const prefix = options.unversioned === true ? "" : `/v${await this.apiVersion()}`;
    return `${prefix}${path}${encodeQuery(options.query)}`;
  }

  #head(method: string, target: string, extra: Readonly<Record<string, string>>): Uint8Array {
    const host = this.endpoint.kind === "unix" ? "api.moby.localhost" : this.endpoint.host.slice("tcp://".length);
    const userAgent = this.#options.userAgent ?? DEFAULT_USER_AGENT;
    const headers = { Host: host, "User-Agent": userAgent, ...this.#options.headers, ...extra };
    return encodeRequestHead({ method, target, headers });
  }

  async #send(connection: Connection, method: string, target: string, options: RequestOptions): Promise<void> {
    if (options.body !== undefined) {
      const type = { "Content-Type": "application/x-tar", "Transfer-Encoding": "chunked", ...options.headers };
      await connection.write(this.#head(method, target, type));
      for await (const bytes of options.body) for (const part of encodeChunk(bytes)) await connection.write(part);
      return connection.write(LAST_CHUNK);
    }
    const body = options.json === undefined ? undefined : Buffer.from(JSON.stringify(options.json));
    const headers: Record<string, string> = { ...options.headers };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (body !== undefined || method === "POST") headers["Content-Length"] = String(body?.length ?? 0);
    const head = this.#head(method, target, headers);
    await connection.write(body === undefined ? head : Buffer.concat([head, body]));
  }
}

/**
 * Rejects if sending fails by our own fault. A connection that breaks is left to the answer to tell: an engine may
 * refuse before it has read the whole body.
 */
function failureOf(sending: Promise<void>): Promise<never> {
  return new Promise((_, reject) => {
    sending.catch((error: unknown) => {
      if (!isKind(error, "unavailable")) reject(error);
    });
  });
}

async function refusal(path: string, head: ResponseHead, body: AsyncIterable<Uint8Array>): Promise<EngineError> {
  const type = head.headers.get("content-type") ?? "";
  return responseError(head.status, head.reason, path, await collect(body, MAX_ERROR_BYTES), type);
}

/**
 * The body, after which the connection is closed. It does not wait for our own sending, which may hang on an input
 * that nobody writes to, but fails when that does.
 */
async function* closing(
  connection: Connection,
  body: AsyncGenerator<Uint8Array, void>,
  { failed, ended }: { failed: Promise<never> | undefined; ended: () => void },
): AsyncGenerator<Uint8Array, void> {
  let complete = false;
  try {
    if (failed === undefined) yield* body;
    else {
      for (let part = await Promise.race([body.next(), failed]); part.done !== true; ) {
        yield part.value;
        part = await Promise.race([body.next(), failed]);
      }
    }
    complete = true;
  } finally {
    if (complete) ended();
    else connection.close();
  }
}

/** Whether the connection can serve another exchange when this one's body is read. */
function isDelimited(method: string, { headers, status }: ResponseHead): boolean {
  if (headers.get("connection")?.toLowerCase() === "close") return false;
  if (method === "HEAD" || status === 204 || status === 304) return true;
  return headers.has("content-length") || headers.has("transfer-encoding");
}

/** All of a body as one array; with a limit, what exceeds it is left out. */
export async function collect(
  body: AsyncIterable<Uint8Array>,
  limitBytes = Number.POSITIVE_INFINITY,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    parts.push(part);
    bytes += part.length;
    if (bytes >= limitBytes) break;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** `?a=1&b=2`, true as `1`, lists as repeated keys; undefined and false are left out. */
export function encodeQuery(query: Query = {}): string {
  const pairs: string[] = [];
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === false) continue;
    for (const item of Array.isArray(value) ? (value as readonly string[]) : [value === true ? "1" : String(value)]) {
      pairs.push(`${encodeURIComponent(key)}=${encodeURIComponent(item)}`);
    }
  }
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
