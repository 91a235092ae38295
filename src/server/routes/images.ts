import { parseFilters } from "#core/events";
import type { Images } from "#core/images";
import type { HttpResponse } from "#lib/http";
import type { SystemBackend } from "../backends.ts";
import { progressStream } from "../progress.ts";
import { json } from "../reply.ts";
import { type ApiRequest, get, post, type Route } from "../router.ts";
import { imageInspect, imageSummary } from "../views/image.ts";

interface ImageParts {
  readonly images: Images;
  readonly system: Pick<SystemBackend, "identity">;
}

export function imageRoutes({ images, system }: ImageParts): Route[] {
  return [
    get("/images/json", async ({ query, version }) => {
      const found = await images.list({ all: query.flag("all"), filters: parseFilters(query.text("filters")) });
      return json(found.map((image) => imageSummary(image, { version, containers: -1, sharedBytes: -1 })));
    }),
    post("/images/load", (request) => load(images, request)),
    get("/images/{name}/json", async ({ params, version }) => {
      const image = await images.get(params.name ?? "");
      return json(imageInspect(image, { version, storageDriver: system.identity.storageDriver }));
    }),
  ];
}

function load(images: Pick<Images, "load">, request: ApiRequest): HttpResponse {
  const quiet = request.query.flag("quiet", true);
  return progressStream(images.load(request.body, { quiet, signal: request.signal }));
}
