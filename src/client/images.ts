import type { ImageDeleteResponseItem, ImageInspect, ImageSummary } from "#api/engine";
import type { PruneReport } from "./containers.ts";
import type { EngineClient, EngineResponse } from "./engine-client.ts";
import { encodeFilters, type Filters } from "./filters.ts";
import { imageRoute, type PlatformQuery, platformQuery } from "./image-route.ts";
import { authHeaders, type RegistryAuth } from "./registries.ts";

export type { PlatformQuery } from "./image-route.ts";

export interface HistoryEntry {
  readonly Id: string;
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Tags: readonly string[] | null;
  readonly Size: number;
  readonly Comment: string;
}

/** One message of a pull, push, load or import, §5.5 of the wire notes. */
export interface ProgressMessage {
  readonly stream?: string;
  readonly status?: string;
  readonly id?: string;
  readonly progress?: string;
  readonly progressDetail?: { current?: number; total?: number; start?: number; units?: string; hidecounts?: boolean };
  readonly error?: string;
  readonly errorDetail?: { code?: number; message?: string };
  readonly aux?: unknown;
}

export interface ListOptions {
  readonly all?: boolean;
  readonly filters?: Filters;
  readonly sharedSize?: boolean;
  readonly manifests?: boolean;
}

export function list(engine: EngineClient, options: ListOptions = {}): Promise<ImageSummary[]> {
  const { all, filters, sharedSize, manifests } = options;
  const query = { all, filters: encodeFilters(filters), "shared-size": sharedSize, manifests };
  return engine.json("GET", "/images/json", { query });
}

export function inspect(
  engine: EngineClient,
  image: string,
  options: { platform?: PlatformQuery } = {},
): Promise<ImageInspect> {
  return engine.json("GET", imageRoute(image, "json"), { query: { platform: platformQuery(options.platform) } });
}

export function history(
  engine: EngineClient,
  image: string,
  options: { platform?: PlatformQuery } = {},
): Promise<HistoryEntry[]> {
  return engine.json("GET", imageRoute(image, "history"), { query: { platform: platformQuery(options.platform) } });
}

export async function tag(engine: EngineClient, image: string, target: { repo: string; tag: string }): Promise<void> {
  await engine.discard("POST", imageRoute(image, "tag"), { query: target });
}

export interface RemoveOptions {
  readonly force?: boolean;
  readonly noPrune?: boolean;
  readonly platforms?: readonly PlatformQuery[];
}

export function remove(
  engine: EngineClient,
  image: string,
  options: RemoveOptions = {},
): Promise<ImageDeleteResponseItem[]> {
  const platforms = options.platforms?.map((platform) => JSON.stringify(platform));
  return engine.json("DELETE", imageRoute(image), {
    query: { force: options.force, noprune: options.noPrune, platforms },
  });
}

export interface PullOptions extends RegistryAuth {
  readonly fromImage: string;
  readonly tag: string;
  readonly platform?: string;
  /** Every platform that the name stands for; only tug's engine knows this. */
  readonly allPlatforms?: boolean;
  readonly signal?: AbortSignal;
}

export function pull(engine: EngineClient, options: PullOptions): AsyncGenerator<ProgressMessage, void> {
  const { fromImage, tag, platform, allPlatforms, signal } = options;
  const query = { fromImage, tag, platform: platform || undefined, allPlatforms };
  return engine.jsonLines("POST", "/images/create", {
    query,
    headers: authHeaders(options),
    ...(signal && { signal }),
  });
}

export interface PushOptions extends RegistryAuth {
  /** Empty: all tags of the repository. */
  readonly tag: string;
  readonly platform?: PlatformQuery;
  readonly signal?: AbortSignal;
}

export function push(engine: EngineClient, image: string, options: PushOptions): AsyncGenerator<ProgressMessage, void> {
  const { tag, platform, signal } = options;
  const query = { tag: tag || undefined, platform: platformQuery(platform) };
  return engine.jsonLines("POST", imageRoute(image, "push"), {
    query,
    headers: authHeaders(options),
    ...(signal && { signal }),
  });
}

export interface ImportOptions {
  /** `-` for the body, or a URL that the engine fetches. */
  readonly source: string;
  readonly repo: string;
  readonly tag: string;
  readonly message?: string;
  readonly changes?: readonly string[];
  readonly platform?: string;
  readonly body?: AsyncIterable<Uint8Array>;
}

export function importTar(engine: EngineClient, options: ImportOptions): AsyncGenerator<ProgressMessage, void> {
  const query = {
    fromSrc: options.source,
    repo: options.repo,
    tag: options.tag,
    message: options.message || undefined,
    changes: options.changes,
    platform: options.platform || undefined,
  };
  const body = options.body === undefined ? {} : { body: options.body, headers: { "Content-Type": "text/plain" } };
  return engine.jsonLines("POST", "/images/create", { query, ...body });
}

export function load(
  engine: EngineClient,
  body: AsyncIterable<Uint8Array>,
  options: { quiet?: boolean; platforms?: readonly PlatformQuery[] } = {},
): Promise<EngineResponse> {
  const platform = options.platforms?.map((each) => JSON.stringify(each));
  const query = { quiet: options.quiet === true ? "1" : "0", platform };
  return engine.request("POST", "/images/load", { query, body });
}

export async function save(
  engine: EngineClient,
  images: readonly string[],
  options: { platforms?: readonly PlatformQuery[]; signal?: AbortSignal } = {},
): Promise<AsyncIterable<Uint8Array>> {
  const { platforms, signal } = options;
  const query = { names: images, platform: platforms?.map((platform) => JSON.stringify(platform)) };
  return (await engine.request("GET", "/images/get", { query, ...(signal && { signal }) })).body;
}

export interface ImagePruneReport extends Omit<PruneReport, "deleted"> {
  readonly deleted: readonly ImageDeleteResponseItem[];
}

export async function prune(engine: EngineClient, filters?: Filters): Promise<ImagePruneReport> {
  const answer = await engine.json<{ ImagesDeleted?: ImageDeleteResponseItem[] | null; SpaceReclaimed?: number }>(
    "POST",
    "/images/prune",
    { query: { filters: encodeFilters(filters) } },
  );
  return { deleted: answer.ImagesDeleted ?? [], spaceReclaimed: answer.SpaceReclaimed ?? 0 };
}
