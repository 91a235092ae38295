import type { Image } from "#core/images";
import { EngineError } from "#lib/errors";
import { invalid } from "./errors.ts";

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
}

/**
 * The `platform` of endpoints that name it by a JSON document (engine-api notes 6); undefined when none is asked for.
 *
 * @throws EngineError `invalid-parameter`
 */
export function parsePlatform(text: string): Platform | undefined {
  if (text === "") return undefined;
  const { os, architecture, variant } = parse(text);
  if (typeof os !== "string" || typeof architecture !== "string" || os === "" || architecture === "") {
    throw invalid("both OS and Architecture must be provided");
  }
  return { os, architecture, variant: typeof variant === "string" ? variant : "" };
}

/** @throws EngineError `not-found` when the image, which is for one platform, is for another than the one asked for */
export function checkPlatform(image: Image, reference: string, platform: Platform | undefined): void {
  if (!platform) return;
  const { os, architecture, variant = "" } = image.document;
  const fits = platform.os === os && platform.architecture === architecture;
  if (fits && (platform.variant === "" || platform.variant === variant)) return;
  throw new EngineError(
    "not-found",
    `image with reference ${reference} was found but its platform (${format({ os, architecture, variant })}) does not match the specified platform (${format(platform)})`,
  );
}

function format({ os, architecture, variant }: Platform): string {
  return variant === "" ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below, in the same words as what is JSON but no object.
  }
  throw invalid(`failed to parse platform: ${JSON.stringify(text)} is no JSON object`);
}
