import type { Platform } from "#api/oci";
import { invalid } from "./errors.ts";

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
  return { os, architecture, ...(typeof variant === "string" && variant !== "" && { variant }) };
}

/** The same where several may be named; undefined when there is none. */
export function parsePlatforms(texts: readonly string[]): readonly Platform[] | undefined {
  const platforms = texts.flatMap((text) => parsePlatform(text) ?? []);
  return platforms.length === 0 ? undefined : platforms;
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
