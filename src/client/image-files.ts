/** What is in an image: calls that tug's engine has and Docker's has not. */
import type { ImageComparison, ImageExplanation, ImageFile } from "#api/engine";
import type { EngineClient, EngineResponse } from "./engine-client.ts";
import { imageRoute, type PlatformQuery, platformQuery } from "./image-route.ts";
import { parseJsonLines } from "./json-lines.ts";

interface Selected {
  readonly platform?: PlatformQuery;
}

export interface ExplainOptions extends Selected {
  /** Tell all that this layer did; from 1. */
  readonly layer?: number;
  /** Tell what became of this path. */
  readonly path?: string;
}

export function explain(engine: EngineClient, image: string, options: ExplainOptions = {}): Promise<ImageExplanation> {
  const { layer, path, platform } = options;
  return engine.json("GET", imageRoute(image, "explain"), {
    query: { layer, path, platform: platformQuery(platform) },
  });
}

export function compare(
  engine: EngineClient,
  image: string,
  other: string,
  options: Selected = {},
): Promise<ImageComparison> {
  const query = { with: other, platform: platformQuery(options.platform) };
  return engine.json("GET", imageRoute(image, "compare"), { query });
}

export interface FilesOptions extends Selected {
  readonly recursive?: boolean;
  /** Tell the layer of each file. */
  readonly layers?: boolean;
}

/** What is in a directory of an image, or a file itself, as it arrives. */
export async function* files(
  engine: EngineClient,
  image: string,
  path: string,
  options: FilesOptions = {},
): AsyncGenerator<ImageFile, void> {
  const { recursive, layers, platform } = options;
  const query = { path, recursive, layers, platform: platformQuery(platform) };
  const { body } = await engine.request("GET", imageRoute(image, "files"), { query });
  yield* parseJsonLines<ImageFile>(body);
}

/** A path of an image as a tar; what it is stands in the head. */
export function archive(
  engine: EngineClient,
  image: string,
  path: string,
  { platform }: Selected = {},
): Promise<EngineResponse> {
  return engine.request("GET", imageRoute(image, "archive"), { query: { path, platform: platformQuery(platform) } });
}
