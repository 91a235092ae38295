import { formatReference, parseReference, parseTag } from "#api/distribution";
import type { Containers } from "#core/containers";
import { type Filters, parseFilters } from "#core/events";
import type { Image, ImageID, Images } from "#core/images";
import type { HttpResponse } from "#lib/http";
import type { SystemBackend } from "../backends.ts";
import { notImplemented } from "../errors.ts";
import { checkPlatform, parsePlatform } from "../platform.ts";
import { progressStream } from "../progress.ts";
import { empty, json } from "../reply.ts";
import { type ApiRequest, get, post, type Route, remove } from "../router.ts";
import { historyItem, imageInspect, imageSummary } from "../views/image.ts";
import { sharedBytes } from "../views/image-sharing.ts";

interface ImageParts {
  readonly images: Omit<Images, "import" | "prepare" | "layersSize" | "find">;
  readonly containers: Pick<Containers, "list">;
  readonly system: Pick<SystemBackend, "identity">;
}

/** Images in the local store. How they come from elsewhere is in image-sources.ts. */
export function imageRoutes(parts: ImageParts): Route[] {
  const { images, system } = parts;
  return [
    get("/images/json", (request) => list(parts, request)),
    get("/images/get", ({ query }) => save(images, query.all("names"), query.text("platform"))),
    get("/images/search", () => {
      throw notImplemented("searching a registry");
    }),
    post("/images/load", (request) => load(images, request)),
    post("/images/prune", (request) => prune(images, request)),
    get("/images/{name}/json", async ({ params, query, version }) => {
      const image = await found(images, params.name ?? "", query.text("platform"));
      return json(imageInspect(image, { version, storageDriver: system.identity.storageDriver }));
    }),
    get("/images/{name}/history", async ({ params, query }) => {
      await found(images, params.name ?? "", query.text("platform"));
      return json((await images.history(params.name ?? "")).map(historyItem));
    }),
    get("/images/{name}/get", ({ params, query }) => save(images, [params.name ?? ""], query.text("platform"))),
    post("/images/{name}/tag", (request) => tag(images, request)),
    post("/images/{name}/push", () => {
      throw notImplemented("pushing to a registry");
    }),
    remove("/images/{name}", (request) => removeImage(images, request)),
  ];
}

async function list({ images, containers }: ImageParts, { query, version }: ApiRequest): Promise<HttpResponse> {
  const listed = await images.list({
    all: query.flag("all"),
    filters: listFilters(query.text("filters"), query.text("filter")),
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

async function found(images: Pick<Images, "get">, reference: string, platform: string): Promise<Image> {
  const asked = parsePlatform(platform);
  const image = await images.get(reference);
  checkPlatform(image, reference, asked);
  return image;
}

async function save(
  images: Pick<Images, "get" | "save">,
  references: readonly string[],
  platform: string,
): Promise<HttpResponse> {
  if (platform !== "") for (const reference of references) await found(images, reference, platform);
  return { status: 200, headers: { "Content-Type": "application/x-tar" }, body: await images.save(references) };
}

function load(images: Pick<Images, "load">, request: ApiRequest): HttpResponse {
  if (request.query.text("platform") !== "") throw notImplemented("loading one platform of an archive");
  const quiet = request.query.flag("quiet", true);
  return progressStream(images.load(request.body, { quiet, signal: request.signal }));
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

async function removeImage(images: Pick<Images, "remove">, { params, query }: ApiRequest): Promise<HttpResponse> {
  if (query.has("platforms")) throw notImplemented("removing one platform of an image");
  const options = { force: query.flag("force"), prune: !query.flag("noprune") };
  return json(await images.remove(params.name ?? "", options));
}
