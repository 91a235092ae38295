/**
 * The HTTP face of the engine: Engine API 1.24 to 1.51 over the nouns of core. It opens no socket; the daemon does:
 *
 *     const api = createApi({ containers, images, events, networks, system, fetch, now }, log);
 *     const server = new HttpServer({ handler: api, now, onError: (error) => log.error(…) });   // #lib/http
 *     await server.listen({ kind: "unix", path, mode: 0o660, gid });
 *     await server.listen({ kind: "tcp", host, port, tls: { certificate, key, ca } });
 *     …
 *     await server.close(graceMs);   // refuses new requests, lets those at work end, cuts streams
 *
 * `createApi` is a function from a request value to a response value, so that tests need no socket either.
 */
export { createApi } from "./api.ts";
export type {
  Backends,
  CgroupFacts,
  EngineComponent,
  EngineIdentity,
  Fetch,
  SystemBackend,
  SystemFacts,
} from "./backends.ts";
export { API_VERSION, MIN_API_VERSION } from "./version.ts";
