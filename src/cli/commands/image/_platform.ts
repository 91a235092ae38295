import type { images } from "#client";
import { EngineError } from "#lib/errors";
import { quote } from "../../values/quote.ts";

const COMPONENT = /^[A-Za-z0-9_.-]+$/;

/** `os[/arch[/variant]]` as the engine's newer routes take it. Throws `invalid-parameter`. */
export function parsePlatformQuery(text: string): images.PlatformQuery {
  const parts = text.toLowerCase().split("/");
  const [os = "", architecture, variant] = parts;
  if (parts.length > 3 || parts.some((part) => !COMPONENT.test(part))) {
    throw new EngineError(
      "invalid-parameter",
      `invalid platform: ${quote(text)} is an invalid OS/architecture specifier`,
    );
  }
  return {
    os,
    ...(architecture === undefined ? {} : { architecture: normalArchitecture(architecture) }),
    ...(variant === undefined ? {} : { variant }),
  };
}

/** The platform of a flag; nothing for the empty text of a flag not given. */
export function platformFlag(text: string): { platform?: images.PlatformQuery } {
  return text === "" ? {} : { platform: parsePlatformQuery(text) };
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  armhf: "arm",
  armel: "arm",
  i386: "386",
};

function normalArchitecture(name: string): string {
  return ARCHITECTURES[name] ?? name;
}
