import { formatReference, parseReference, parseTag } from "#api/distribution";
import type { Images } from "#core/images";
import type { HttpResponse } from "#lib/http";
import { parsePlatform } from "../platform.ts";
import { startedProgress } from "../progress.ts";
import { registryAuth } from "../registry-auth.ts";
import { type ApiRequest, post, type Route } from "../router.ts";

interface PushParts {
  readonly images: Pick<Images, "push">;
}

/** How images go to registries. */
export function pushRoutes({ images }: PushParts): Route[] {
  return [post("/images/{name}/push", (request) => push(images, request))];
}

/** Without a tag, every tag of the repository. A client that hangs up cancels the push. */
function push(images: PushParts["images"], request: ApiRequest): Promise<HttpResponse> {
  const { params, query, version, signal } = request;
  const named = parseReference(params.name ?? "");
  const tag = query.text("tag");
  const reference = tag === "" ? named : { domain: named.domain, path: named.path, tag: parseTag(tag) };
  // Clients of older versions send a platform without meaning anything by it.
  const platform = version >= 46 ? parsePlatform(query.text("platform")) : undefined;
  const credentials = registryAuth(request);
  const progress = images.push(formatReference(reference), {
    allTags: reference.tag === undefined && reference.digest === undefined,
    ...(platform && { platform }),
    ...(credentials && { credentials }),
    signal,
  });
  return startedProgress(progress);
}
