import {
  type ContainerConfig,
  type ContainerCreateResponse,
  type ContainerInspectResponse,
  type ContainerSummary,
  type ContainerTopResponse,
  type ContainerWaitResponse,
  decodePathStat,
  type FilesystemChange,
  type HostConfig,
  type NetworkingConfig,
  PATH_STAT_HEADER,
  type PathStat,
} from "#api/engine";
import type { EngineClient, EngineResponse, HijackedStream, Query } from "./engine-client.ts";
import { encodeFilters, type Filters } from "./filters.ts";

export type ContainerCreateRequest = ContainerConfig & {
  HostConfig: HostConfig;
  NetworkingConfig: NetworkingConfig;
};

export interface PruneReport {
  readonly deleted: readonly string[];
  readonly spaceReclaimed: number;
}

function route(container: string, verb = ""): string {
  return `/containers/${encodeURIComponent(container)}${verb === "" ? "" : `/${verb}`}`;
}

export function create(
  engine: EngineClient,
  request: ContainerCreateRequest,
  options: { name?: string; platform?: string } = {},
): Promise<ContainerCreateResponse> {
  const query = { name: options.name || undefined, platform: options.platform || undefined };
  return engine.json("POST", "/containers/create", { query, json: request });
}

/** What the engine would do for such a create request, as text for people (an extension of tug's engine). */
export async function plan(engine: EngineClient, request: ContainerCreateRequest): Promise<AsyncIterable<Uint8Array>> {
  return (await engine.request("POST", "/tug/plan", { json: request, unversioned: true })).body;
}

export interface ListOptions {
  readonly all?: boolean;
  /** Newest so many; implies `all`. */
  readonly limit?: number;
  readonly size?: boolean;
  readonly filters?: Filters;
}

export function list(engine: EngineClient, options: ListOptions = {}): Promise<ContainerSummary[]> {
  const { all, limit, size, filters } = options;
  const query = {
    all,
    limit: limit === undefined || limit <= 0 ? undefined : limit,
    size,
    filters: encodeFilters(filters),
  };
  return engine.json("GET", "/containers/json", { query });
}

export function inspect(
  engine: EngineClient,
  container: string,
  options: { size?: boolean } = {},
): Promise<ContainerInspectResponse> {
  return engine.json("GET", route(container, "json"), { query: { size: options.size } });
}

/** Does nothing to a running container: both are success. */
export async function start(
  engine: EngineClient,
  container: string,
  options: { checkpoint?: string; checkpointDir?: string } = {},
): Promise<void> {
  const query = { checkpoint: options.checkpoint || undefined, "checkpoint-dir": options.checkpointDir || undefined };
  await engine.discard("POST", route(container, "start"), { query });
}

export interface StopOptions {
  /** −1 waits for ever; without it the container's own timeout counts. */
  readonly timeoutSeconds?: number;
  readonly signal?: string;
}

export async function stop(engine: EngineClient, container: string, options: StopOptions = {}): Promise<void> {
  const query = { signal: options.signal || undefined, t: options.timeoutSeconds };
  await engine.discard("POST", route(container, "stop"), { query });
}

export async function restart(engine: EngineClient, container: string, options: StopOptions = {}): Promise<void> {
  const query = { signal: options.signal || undefined, t: options.timeoutSeconds };
  await engine.discard("POST", route(container, "restart"), { query });
}

export async function kill(engine: EngineClient, container: string, signal?: string): Promise<void> {
  await engine.discard("POST", route(container, "kill"), { query: { signal: signal || undefined } });
}

export async function pause(engine: EngineClient, container: string): Promise<void> {
  await engine.discard("POST", route(container, "pause"));
}

export async function unpause(engine: EngineClient, container: string): Promise<void> {
  await engine.discard("POST", route(container, "unpause"));
}

export async function rename(engine: EngineClient, container: string, name: string): Promise<void> {
  await engine.discard("POST", route(container, "rename"), { query: { name } });
}

export interface RemoveOptions {
  readonly force?: boolean;
  readonly volumes?: boolean;
  /** Removes a legacy link of that name, not a container. */
  readonly link?: boolean;
}

export async function remove(engine: EngineClient, container: string, options: RemoveOptions = {}): Promise<void> {
  const query = { v: options.volumes, link: options.link, force: options.force };
  await engine.discard("DELETE", route(container), { query });
}

export type WaitCondition = "not-running" | "next-exit" | "removed";

/**
 * Begins to wait for a container. The outer promise resolves when the engine has registered the wait, so that a start
 * after it cannot be missed; the inner one when the condition came true.
 */
export async function wait(
  engine: EngineClient,
  container: string,
  condition?: WaitCondition,
): Promise<{ result: Promise<ContainerWaitResponse> }> {
  const response = await engine.request("POST", route(container, "wait"), { query: { condition } });
  return { result: engine.decode<ContainerWaitResponse>(response) };
}

export function top(engine: EngineClient, container: string, psArgs: string): Promise<ContainerTopResponse> {
  return engine.json("GET", route(container, "top"), { query: { ps_args: psArgs || undefined } });
}

export async function resize(engine: EngineClient, container: string, size: TerminalSize): Promise<void> {
  await engine.discard("POST", route(container, "resize"), { query: { h: size.rows, w: size.columns } });
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface AttachOptions {
  readonly stdin?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  /** Replays the log first. */
  readonly logs?: boolean;
  readonly detachKeys?: string;
}

export function attach(engine: EngineClient, container: string, options: AttachOptions): Promise<HijackedStream> {
  const query: Query = { ...options, stream: true, detachKeys: options.detachKeys || undefined };
  return engine.hijack(route(container, "attach"), { query });
}

export interface LogsOptions {
  readonly follow?: boolean;
  readonly timestamps?: boolean;
  readonly details?: boolean;
  /** UNIX seconds with an optional fraction. */
  readonly since?: string;
  readonly until?: string;
  /** `all` or a number of lines. */
  readonly tail?: string;
}

/** Multiplexed unless the container has a terminal. */
export async function logs(
  engine: EngineClient,
  container: string,
  options: LogsOptions = {},
): Promise<AsyncIterable<Uint8Array>> {
  const { since, until, tail, ...switches } = options;
  const query = { stdout: true, stderr: true, ...switches, since, until, tail };
  return (await engine.request("GET", route(container, "logs"), { query })).body;
}

export interface CommitOptions {
  readonly repo: string;
  readonly tag: string;
  readonly author: string;
  readonly comment: string;
  readonly changes: readonly string[];
  /** Freeze the container meanwhile. */
  readonly pause: boolean;
}

/** Makes an image of what a container changed, and gives its ID. */
export async function commit(engine: EngineClient, container: string, options: CommitOptions): Promise<string> {
  const { repo, tag, author, comment, changes, pause } = options;
  const query = { container, repo, tag, author, comment, changes, pause: pause ? undefined : "0" };
  return (await engine.json<{ Id: string }>("POST", "/commit", { query })).Id;
}

/** What it changed of its image's files; null for nothing. */
export function changes(engine: EngineClient, container: string): Promise<FilesystemChange[] | null> {
  return engine.json("GET", route(container, "changes"));
}

/** A path of a container as a tar, what it is in the head. */
export function archive(
  engine: EngineClient,
  container: string,
  path: string,
  options: { method?: "GET" | "HEAD" } = {},
): Promise<EngineResponse> {
  return engine.request(options.method ?? "GET", route(container, "archive"), { query: { path } });
}

/** What a path of a container is, without its content; a link at its end is not followed. */
export async function statPath(engine: EngineClient, container: string, path: string): Promise<PathStat> {
  const { headers } = await engine.request("HEAD", route(container, "archive"), { query: { path } });
  return decodePathStat(headers.get(PATH_STAT_HEADER.toLowerCase()));
}

export interface PutArchiveOptions {
  readonly tar: AsyncIterable<Uint8Array>;
  /** All of it belongs to the container's user. */
  readonly copyUIDGID?: boolean;
  /** Refuses to replace a directory by something else, and the other way round. */
  readonly noOverwriteDirNonDir?: boolean;
  readonly signal?: AbortSignal;
}

/** Extracts a tar into a directory of a container. */
export async function putArchive(
  engine: EngineClient,
  container: string,
  path: string,
  { tar, copyUIDGID, noOverwriteDirNonDir, signal }: PutArchiveOptions,
): Promise<void> {
  const query = { path, copyUIDGID, noOverwriteDirNonDir };
  await engine.discard("PUT", route(container, "archive"), { query, body: tar, ...(signal && { signal }) });
}

/** The root filesystem as a tar. */
export async function exportFiles(
  engine: EngineClient,
  container: string,
  options: { signal?: AbortSignal } = {},
): Promise<AsyncIterable<Uint8Array>> {
  return (await engine.request("GET", route(container, "export"), options)).body;
}

export async function prune(engine: EngineClient, filters?: Filters): Promise<PruneReport> {
  const answer = await engine.json<{ ContainersDeleted?: string[] | null; SpaceReclaimed?: number }>(
    "POST",
    "/containers/prune",
    { query: { filters: encodeFilters(filters) } },
  );
  return { deleted: answer.ContainersDeleted ?? [], spaceReclaimed: answer.SpaceReclaimed ?? 0 };
}
