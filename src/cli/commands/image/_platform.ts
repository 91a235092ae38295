import type { images } from "#client";
import type { Io } from "../../io.ts";
import { parsePlatform } from "../../values/platforms.ts";

/** The platform of a flag as the engine's routes take it; nothing for the empty text of a flag not given. */
export function platformFlag(text: string, io: Io): { platform?: images.PlatformQuery } {
  return text === "" ? {} : { platform: parsePlatform(text, io.arch) };
}

/** The same of a flag that may be given several times, and name several each time. */
export function platformsFlag(texts: readonly string[], io: Io): { platforms?: images.PlatformQuery[] } {
  const names = texts.flatMap((text) => text.split(",")).filter(Boolean);
  return names.length === 0 ? {} : { platforms: names.map((name) => parsePlatform(name, io.arch)) };
}
