import { formatReference, parseReference, parseTag } from "#api/distribution";
import type { Platform } from "#api/oci";
import type { Containers } from "#core/containers";
import { type Filters, parseFilters } from "#core/events";
import type { ImageID, Images } from "#core/images";
import type { HttpResponse } from "#lib/http";
import type { SystemBackend } from "../backends.ts";
import { invalid } from "../errors.ts";
import { parsePlatform, parsePlatforms } from "../platform.ts";
import { progressStream } from "../progress.ts";
import { empty, json } from "../reply.ts";
import { type ApiRequest, get, post, type Route, remove } from "../router.ts";
import { historyItem, imageInspect, imageSummary } from "../views/image.ts";
import { sharedBytes } from "../views/image-sharing.ts";

interface ImageParts {
  readonly images: Pick<Images, "list" | "get" | "history" | "save" | "load" | "prune" | "tag" | "remove">;
  readonly containers: Pick<Containers, "list">;
  readonly system: Pick<SystemBackend, "identity">;
}

/** Images in the local store. How they come from elsewhere is in image-sources.ts, how they go there in push.ts. */
export function imageRoutes(parts: ImageParts): Route[] {
  const { images } = parts;
  return [
    get("/images/json", (request) => list(parts, request)),
    get("/images/get", (request) => save(images, request.query.all("names"), request)),
    post("/images/load", (request) => load(images, request)),
    post("/images/prune", (request) => prune(images, request)),
    get("/images/{name}/json", (request) => inspect(parts, request)),
    get("/images/{name}/history", (request) => history(images, request)),
    get("/images/{name}/get", (request) => save(images, [request.params.name ?? ""], request)),
    post("/images/{name}/tag", (request) => tag(images, request)),
    remove("/images/{name}", (request) => removeImage(images, request)),
  ];
}

async function list({ images, containers }: ImageParts, { query, version }: ApiRequest): Promise<HttpResponse> {
  const listed = await images.list({
    all: query.flag("all"),
    filters: listFilters(query.text("filters"), query.text("filter")),
    manifests: version >= 47 && query.flag("manifests"),
  });
  const shared = version >= 42 && query.flag("shared-size") ? sharedBytes(listed) : undefined;
  const users = version >= 51 ? await containerCounts(containers) : undefined;
  const rows = listed.map((image) =>
    imageSummary(image, {
      version,
      containers: users ? (users.get(image.id) ?? 0) : -1,
      sharedBytes: shared?.get(image.id) ?? -1,
    }),
  );
  return json(rows);
}

/** How many containers each image has. */
export async function containerCounts(containers: Pick<Containers, "list">): Promise<ReadonlyMap<ImageID, number>> {
  const counts = new Map<ImageID, number>();
  for (const { imageID } of await containers.list({ all: true, limit: 0, filters: new Map() })) {
    counts.set(imageID, (counts.get(imageID) ?? 0) + 1);
  }
  return counts;
}

/** The `filters`, and the name pattern that old clients send beside them. */
function listFilters(text: string, pattern: string): Filters {
  const filters = new Map(parseFilters(text));
  if (pattern !== "") filters.set("reference", [pattern]);
  return filters;
}

async function inspect({ images, system }: ImageParts, request: ApiRequest): Promise<HttpResponse> {
  const { params, query, version } = request;
  const manifests = version >= 48 && query.flag("manifests");
  const platform = version >= 49 ? parsePlatform(query.text("platform")) : undefined;
  if (manifests && platform) throw invalid("conflicting options: manifests and platform options cannot both be set");
  const image = await images.get(params.name ?? "", { manifests, ...(platform && { platform }) });
  return json(imageInspect(image, { version, storageDriver: system.identity.storageDriver }));
}

async function history(images: Pick<Images, "history">, request: ApiRequest): Promise<HttpResponse> {
  const platform = request.version >= 48 ? parsePlatform(request.query.text("platform")) : undefined;
  const entries = await images.history(request.params.name ?? "", platform && { platform });
  return json(entries.map(historyItem));
}

async function save(
  images: Pick<Images, "save">,
  references: readonly string[],
  request: ApiRequest,
): Promise<HttpResponse> {
  const body = await images.save(references, archivePlatforms(request));
  return { status: 200, headers: { "Content-Type": "application/x-tar" }, body };
}

function load(images: Pick<Images, "load">, request: ApiRequest): HttpResponse {
  const quiet = request.query.flag("quiet", true);
  return progressStream(images.load(request.body, { quiet, ...archivePlatforms(request), signal: request.signal }));
}

/** Docker 28 takes one `platform` of an archive, later versions several. */
function archivePlatforms({ query, version }: ApiRequest): { platforms?: readonly Platform[] } {
  const platforms = version >= 48 ? parsePlatforms(query.all("platform")) : undefined;
  return platforms ? { platforms } : {};
}

async function prune(images: Pick<Images, "prune">, request: ApiRequest): Promise<HttpResponse> {
  const { deleted, reclaimedBytes } = await images.prune({ filters: parseFilters(request.query.text("filters")) });
  return json({ ImagesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimedBytes });
}

async function tag(images: Pick<Images, "tag">, { params, query }: ApiRequest): Promise<HttpResponse> {
  const target = parseReference(query.text("repo"));
  const name = query.text("tag");
  await images.tag(params.name ?? "", formatReference(name === "" ? target : { ...target, tag: parseTag(name) }));
  return empty(201);
}

async function removeImage(images: Pick<Images, "remove">, request: ApiRequest): Promise<HttpResponse> {
  const { params, query, version } = request;
  const platforms = version >= 50 ? parsePlatforms(query.all("platforms")) : undefined;
  const options = { force: query.flag("force"), prune: !query.flag("noprune"), ...(platforms && { platforms }) };
  return json(await images.remove(params.name ?? "", options));
}
