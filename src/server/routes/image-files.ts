import { encodePathStat, PATH_STAT_HEADER } from "#api/engine";
import type { ImageExplorer } from "#core/images";
import type { HttpResponse } from "#lib/http";
import { invalid } from "../errors.ts";
import { parsePlatform } from "../platform.ts";
import { json } from "../reply.ts";
import { type ApiRequest, get, head, type Route } from "../router.ts";

/** What is in an image: extensions of tug's engine, described in `src/api/engine/explore.ts`. */
export function imageFileRoutes({ explorer }: { readonly explorer: ImageExplorer }): Route[] {
  return [
    get("/images/{name}/explain", (request) => explain(explorer, request)),
    get("/images/{name}/compare", (request) => compare(explorer, request)),
    get("/images/{name}/files", (request) => files(explorer, request)),
    get("/images/{name}/archive", (request) => archive(explorer, request)),
    head("/images/{name}/archive", (request) => archive(explorer, request)),
  ];
}

async function explain(explorer: ImageExplorer, request: ApiRequest): Promise<HttpResponse> {
  const { query } = request;
  const layer = query.integer("layer");
  const path = query.text("path");
  const options = {
    ...selected(request),
    ...(layer !== undefined && { layer }),
    ...(path !== "" && { path }),
  };
  return json(await explorer.explain(nameOf(request), options));
}

async function compare(explorer: ImageExplorer, request: ApiRequest): Promise<HttpResponse> {
  const other = request.query.text("with");
  if (other === "") throw invalid("missing parameter: with (the image to compare with)");
  return json(await explorer.compare(nameOf(request), other, selected(request)));
}

/** One JSON object a line, since an image may have a million files. */
async function files(explorer: ImageExplorer, request: ApiRequest): Promise<HttpResponse> {
  const { query } = request;
  const listed = await explorer.files(nameOf(request), {
    ...selected(request),
    path: query.text("path") || "/",
    recursive: query.flag("recursive"),
    layers: query.flag("layers"),
  });
  return { status: 200, headers: { "Content-Type": "application/x-ndjson" }, body: lines(listed) };
}

async function archive(explorer: ImageExplorer, request: ApiRequest): Promise<HttpResponse> {
  const path = request.query.text("path");
  if (path === "") throw invalid("missing parameter: path");
  const { stat, tar } = await explorer.archive(nameOf(request), { ...selected(request), path });
  const headers = { "Content-Type": "application/x-tar", [PATH_STAT_HEADER]: encodePathStat(stat) };
  return { status: 200, headers, body: tar };
}

function selected({ query, signal }: ApiRequest) {
  const platform = parsePlatform(query.text("platform"));
  return { signal, ...(platform && { platform }) };
}

function nameOf({ params }: ApiRequest): string {
  return params.name ?? "";
}

/** Written in pieces of this size or more. */
const PIECE_CHARACTERS = 16 * 1024;

async function* lines(values: AsyncIterable<object>): AsyncGenerator<string, void> {
  let piece = "";
  for await (const value of values) {
    piece += `${JSON.stringify(value)}\n`;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}
