import type { images } from "#client";
import { EngineError } from "#lib/errors";
import { quote } from "#lib/template";

/** Other names of architectures, with the variant that they imply. */
const ALIASES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
  i386: ["386"],
};
const ARCHITECTURES = ["386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"];
const COMPONENT = /^[a-z0-9_.-]+$/;
const DEFAULT_OS = "linux";

export type Platform = images.PlatformQuery & { readonly architecture: string };

/**
 * Reads `os[/arch[/variant]]`, or an architecture alone. What is missing is that of this machine.
 *
 * @throws EngineError `invalid-parameter` for anything else.
 */
export function parsePlatform(text: string, hostArchitecture: string): Platform {
  const parts = text.toLowerCase().split("/");
  const [first = "", second, variant] = parts;
  if (parts.length > 3 || parts.some((part) => !COMPONENT.test(part))) {
    const message = `error parsing specified platform: ${quote(text)}: cannot parse platform specifier: invalid argument`;
    throw new EngineError("invalid-parameter", message);
  }
  if (second === undefined && (ARCHITECTURES.includes(first) || Object.hasOwn(ALIASES, first))) {
    return withArchitecture(DEFAULT_OS, first);
  }
  return withArchitecture(first, second ?? hostArchitecture, variant);
}

function withArchitecture(os: string, name: string, variant?: string): Platform {
  const [architecture, implied] = ALIASES[name] ?? [name];
  const known = variant ?? implied;
  // The variants that every engine of the architecture has go without saying.
  const isCommon = (architecture === "arm64" && known === "v8") || (architecture === "amd64" && known === "v1");
  return { os, architecture, ...(known === undefined || isCommon ? {} : { variant: known }) };
}

/** `os/arch[/variant]`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}
