import { formatReference, parseReference, parseTag, type Reference } from "#api/distribution";
import { isDigest } from "#api/oci";
import type { Images, Progress } from "#core/images";
import { EngineError, messageOf } from "#lib/errors";
import type { HttpResponse } from "#lib/http";
import type { Fetch } from "../backends.ts";
import { invalid } from "../errors.ts";
import { startedProgress } from "../progress.ts";
import { registryAuth } from "../registry-auth.ts";
import { type ApiRequest, post, type Route } from "../router.ts";

interface SourceParts {
  readonly images: Pick<Images, "import" | "pull">;
  readonly fetch: Fetch;
}

/** Where images come from: registries, and tars of root filesystems. */
export function imageSourceRoutes(parts: SourceParts): Route[] {
  return [
    post("/images/create", (request) =>
      request.query.text("fromImage") === "" ? importImage(parts, request) : pull(parts.images, request),
    ),
  ];
}

/** A client that hangs up cancels the pull. */
function pull(images: Pick<Images, "pull">, request: ApiRequest): Promise<HttpResponse> {
  const { query, signal } = request;
  const reference = pullReference(query.text("fromImage"), query.text("tag"));
  if (reference.path === "library/scratch") throw new EngineError("forbidden", "'scratch' is a reserved name");
  const platform = query.text("platform");
  const credentials = registryAuth(request);
  const progress = images.pull(formatReference(reference), {
    allTags: reference.tag === undefined && reference.digest === undefined,
    allPlatforms: query.flag("allPlatforms"),
    ...(platform !== "" && { platform }),
    ...(credentials && { credentials }),
    signal,
  });
  return startedProgress(progress);
}

/** The tag given apart wins, and may be a digest. Without any, the whole repository is meant. */
function pullReference(image: string, tag: string): Reference {
  // `pull -a` of old clients leaves the colon.
  const reference = parseReference(image.replace(/:$/, ""));
  if (tag === "") return reference;
  const { domain, path } = reference;
  return isDigest(tag) ? { domain, path, digest: tag } : { domain, path, tag: parseTag(tag) };
}

async function importImage(parts: SourceParts, request: ApiRequest): Promise<HttpResponse> {
  const { query } = request;
  const source = query.text("fromSrc");
  if (source === "") throw invalid("either fromImage or fromSrc is needed to create an image");
  const tar = source === "-" ? request.body : await download(parts.fetch, source, request.signal);
  const { repository, tag } = splitRepository(query.text("repo"), query.text("tag"));
  const progress = parts.images.import(tar, {
    ...(repository !== "" && { repository }),
    ...(tag !== "" && { tag }),
    message: query.text("message") || `Imported from ${source}`,
    changes: query.all("changes"),
    ...(query.text("platform") !== "" && { platform: query.text("platform") }),
    signal: request.signal,
  });
  return startedProgress(source === "-" ? progress : announced(source, progress));
}

/** A tag may stand at the end of the repository, too; the one given apart wins. */
function splitRepository(repo: string, tag: string): { repository: string; tag: string } {
  if (repo === "") return { repository: "", tag: "" };
  const { tag: own = "", ...rest } = parseReference(repo);
  return { repository: formatReference(rest), tag: tag || own };
}

async function* announced(source: string, progress: AsyncGenerator<Progress>): AsyncGenerator<Progress> {
  yield { status: `Downloading from ${source}` };
  yield* progress;
}

async function download(fetch: Fetch, source: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const url = /^https?:\/\//i.test(source) ? source : `http://${source}`;
  if (!URL.canParse(url)) throw invalid(`import ${JSON.stringify(source)}: not a URL`);
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`);
    return response.body;
  } catch (cause) {
    throw new EngineError("unavailable", `import ${JSON.stringify(source)}: ${messageOf(cause)}`, { cause });
  }
}
