import { formatReference, parseReference, parseTag } from "#api/distribution";
import { BODY_SHAPES, type ContainerConfig } from "#api/engine";
import type { Containers } from "#core/containers";
import type { HttpResponse } from "#lib/http";
import { invalid } from "../errors.ts";
import { readJson } from "../json-body.ts";
import { json } from "../reply.ts";
import { type ApiRequest, post, type Route } from "../router.ts";

interface CommitParts {
  readonly containers: Pick<Containers, "commit">;
}

/** Containers made to images. */
export function commitRoutes({ containers }: CommitParts): Route[] {
  return [post("/commit", (request) => commit(containers, request))];
}

async function commit(containers: CommitParts["containers"], request: ApiRequest): Promise<HttpResponse> {
  const { query } = request;
  const reference = commitReference(query.text("repo"), query.text("tag"));
  // The shape has made it what this type says.
  const config = (await readJson(request, BODY_SHAPES.ImageCommit)) as ContainerConfig | undefined;
  const container = query.text("container");
  if (container === "") throw invalid('invalid name or ID supplied: ""');
  const id = await containers.commit(container, {
    pause: query.text("pause") === "" || query.flag("pause"),
    author: query.text("author"),
    comment: query.text("comment"),
    changes: query.all("changes"),
    ...(reference && { reference }),
    ...(config && { config }),
    signal: request.signal,
  });
  return json({ Id: id }, 201);
}

/** The tag given apart wins. A tag without a repository names nothing. */
function commitReference(repository: string, tag: string): string | undefined {
  if (repository === "") return undefined;
  const parsed = parseReference(repository);
  if (parsed.digest !== undefined) throw invalid("cannot import digest reference");
  return formatReference(tag === "" ? parsed : { ...parsed, tag: parseTag(tag) });
}
