import { createServer } from "node:net";
import { EngineError, messageOf } from "#lib/errors";
import { errnoOf } from "#lib/fs";
import { errorResponse, RegistryError } from "../errors.ts";
import type { Peer } from "../registry.ts";

/** PEM texts. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Authorities of client certificates; every client then has to show one. */
  readonly clientAuthority?: string;
}

export interface ListenOptions {
  readonly hostname: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly tls?: TlsFiles;
  /** Requests at work at once; more are told to come back. */
  readonly mostRequests: number;
  /** A connection on which nothing moves for so long is cut; at most 255. */
  readonly idleSeconds: number;
  handle(request: Request, peer: Peer): Promise<Response>;
  /** What a handler throws is a bug: the client gets a 500. */
  report(error: unknown): void;
}

/** A socket that is served. The only place that knows `Bun.serve`. */
export interface Listener {
  readonly hostname: string;
  readonly port: number;
  /** Requests at work. */
  readonly requests: number;
  /** New connections get these files; what is under way goes on. @throws `invalid-parameter` for files that are no pair */
  replaceTls(tls: TlsFiles): void;
  /** Takes no more connections, and ends when all requests are answered, or cut after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** The registry's own limits are on blobs and repositories, so this one is none. */
const BODY_LIMIT_BYTES = Number.MAX_SAFE_INTEGER;

/**
 * Serves HTTP/1.1. The runtime itself cuts a connection that has not sent its head within some 12 seconds, or whose head is larger
 * than 16 KiB.
 *
 * @throws `conflict` when the address is taken, `invalid-parameter` for an address that is none and TLS files that are no pair
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  // With TLS the address may be bound twice, so that certificates can be replaced. Nobody else must.
  if (options.port !== 0) await assertFree(options);
  let server = start(options, options.port, options.tls);
  const drained: Promise<void>[] = [];
  return {
    hostname: options.hostname,
    port: server.port!,
    get requests() {
      return server.pendingRequests;
    },
    replaceTls: (tls) => {
      const before = server;
      server = start(options, server.port!, tls);
      drained.push(before.stop(false));
    },
    close: async (graceMs) => {
      drained.push(server.stop(false));
      const timer = setTimeout(() => void server.stop(true), graceMs);
      await Promise.all(drained);
      clearTimeout(timer);
    },
  };
}

type Server = ReturnType<typeof Bun.serve<undefined>>;

function start(options: ListenOptions, port: number, tls: TlsFiles | undefined): Server {
  try {
    return Bun.serve<undefined>({
      hostname: options.hostname,
      port,
      maxRequestBodySize: BODY_LIMIT_BYTES,
      idleTimeout: options.idleSeconds,
      development: false,
      fetch: (request, server) => answer(options, request, server),
      error: (error) => {
        options.report(error);
        return errorResponse(new RegistryError("UNKNOWN"));
      },
      ...(tls && { reusePort: true, tls: bunTls(tls) }),
    });
  } catch (cause) {
    throw new EngineError("invalid-parameter", `listen on ${addressOf(options)}: ${messageOf(cause)}`, { cause });
  }
}

function answer(options: ListenOptions, request: Request, server: Server): Promise<Response> | Response {
  if (server.pendingRequests > options.mostRequests) return busy();
  return options.handle(request, { address: plainAddress(server.requestIP(request)?.address ?? "") });
}

function busy(): Response {
  const headers = { "Retry-After": "1" };
  return errorResponse(new RegistryError("TOOMANYREQUESTS", "too many requests at once", { status: 503, headers }));
}

/** An IPv4 client of an IPv6 socket. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

function bunTls({ certificate, key, clientAuthority }: TlsFiles): Bun.TLSOptions {
  const clients = clientAuthority && { ca: clientAuthority, requestCert: true, rejectUnauthorized: true };
  return { cert: certificate, key, ...clients };
}

function assertFree(options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (cause) => reject(errnoOf(cause) === "EADDRINUSE" ? addressTaken(options, cause) : cause));
    probe.listen({ host: options.hostname, port: options.port }, () => probe.close(() => resolve()));
  });
}

function addressTaken(options: ListenOptions, cause: unknown): EngineError {
  return new EngineError("conflict", `listen on ${addressOf(options)}: address already in use`, { cause });
}

function addressOf({ hostname, port }: ListenOptions): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
