/**
 * The Engine API from the client's side: an `EngineClient` speaks HTTP to one engine, and one module per resource
 * names its calls. Loads nothing heavy, since every command waits for it.
 */
export type { Connection } from "./connection.ts";
export * as containers from "./containers.ts";
export { type Endpoint, parseEndpoint, type TlsMaterial } from "./endpoint.ts";
export {
  collect,
  EngineClient,
  type EngineClientOptions,
  type EngineResponse,
  encodeQuery,
  type HijackedStream,
  type PingResult,
  type Query,
  type RequestOptions,
} from "./engine-client.ts";
export * as execs from "./execs.ts";
export type { Filters } from "./filters.ts";
export * as imageFiles from "./image-files.ts";
export * as images from "./images.ts";
export { parseJsonLines } from "./json-lines.ts";
export * as networks from "./networks.ts";
export { OutputDecoder, type OutputPart } from "./output.ts";
export * as registries from "./registries.ts";
export * as system from "./system.ts";
export { compareVersions, MAX_API_VERSION, MIN_API_VERSION } from "./version.ts";
export * as volumes from "./volumes.ts";
