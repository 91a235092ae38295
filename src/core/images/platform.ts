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

const ORDINARY: Readonly<Record<string, string>> = { amd64: "v1", arm64: "v8" };

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
  const [first = "", second, variant] = parts;
  if (second !== undefined) return { os: first, ...processorOf(second, variant) };
  return isSystem(first)
    ? { os: first, ...processorOf(host.architecture, host.variant) }
    : { os: host.os, ...processorOf(first) };
}

function isSystem(name: string): boolean {
  return ["linux", "windows", "darwin", "freebsd"].includes(name);
}

/** By its usual names, the variant left out where it is the ordinary one. */
function processorOf(name: string, variant?: string): { architecture: string; variant?: string } {
  const known = Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined;
  const architecture = known?.architecture ?? name;
  const asked = variant?.replace(/^(?=[0-9])/, "v") ?? known?.variant ?? (architecture === "arm" ? "v7" : undefined);
  return asked === undefined || ORDINARY[architecture] === asked ? { architecture } : { architecture, variant: asked };
}
