import type { Platform } from "#api/oci";
import { EngineError } from "#lib/errors";

/** Other names that people have for architectures, and the variant that one implies. */
const ARCHITECTURES: Readonly<Record<string, { architecture: string; variant?: string }>> = {
  x86_64: { architecture: "amd64" },
  "x86-64": { architecture: "amd64" },
  i386: { architecture: "386" },
  aarch64: { architecture: "arm64" },
  armhf: { architecture: "arm", variant: "v7" },
  armel: { architecture: "arm", variant: "v6" },
};

/**
 * Reads `os/arch[/variant]`, or only one of the first two; what is missing is the host's.
 *
 * @throws `invalid-parameter` with containerd's text
 */
export function parsePlatform(text: string, host: Platform): Platform {
  const parts = text.toLowerCase().split("/");
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part))) {
    throw new EngineError("invalid-parameter", `"${text}": unknown operating system or architecture: invalid argument`);
  }
  const [first = "", second, third] = parts;
  if (second === undefined) {
    return isSystem(first) ? { os: first, architecture: host.architecture } : { os: host.os, ...architectureOf(first) };
  }
  return { os: first, ...architectureOf(second), ...(third === undefined ? {} : { variant: third }) };
}

function isSystem(name: string): boolean {
  return ["linux", "windows", "darwin", "freebsd"].includes(name);
}

function architectureOf(name: string): { architecture: string; variant?: string } {
  return Object.hasOwn(ARCHITECTURES, name) ? (ARCHITECTURES[name] ?? { architecture: name }) : { architecture: name };
}
