import { formatReference, parseReference, withDefaultTag } from "#api/distribution";
import type { Images, Progress } from "#core/images";
import { EngineError, messageOf } from "#lib/errors";
import type { HttpResponse } from "#lib/http";
import type { Fetch } from "../backends.ts";
import { invalid, notImplemented } from "../errors.ts";
import { startedProgress } from "../progress.ts";
import { type ApiRequest, get, post, type Route } from "../router.ts";

interface SourceParts {
  readonly images: Pick<Images, "import">;
  readonly fetch: Fetch;
}

/** Where images come from: an imported root filesystem now, registries in a later version. */
export function imageSourceRoutes(parts: SourceParts): Route[] {
  return [
    post("/images/create", (request) => {
      const image = request.query.text("fromImage");
      return image === "" ? importImage(parts, request) : pull(image, request.query.text("tag"));
    }),
    get("/distribution/{name}/json", () => {
      throw notImplemented("asking a registry about an image");
    }),
  ];
}

function pull(image: string, tag: string): never {
  const separator = tag.includes(":") ? "@" : ":";
  const reference = withDefaultTag(parseReference(tag === "" ? image : `${image}${separator}${tag}`));
  if (reference.path === "library/scratch") throw new EngineError("forbidden", "'scratch' is a reserved name");
  throw new EngineError(
    "not-implemented",
    `pull ${formatReference(reference)}: pulling needs registry support, which is not in this version of tug: load the image from an archive (docker load), or import its root filesystem (docker import)`,
  );
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
