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
  if (parts.length > 3) throw invalid(`${JSON.stringify(text)}: cannot parse platform specifier`);
  const wrong = parts.find((part) => !COMPONENT.test(part));
  if (wrong !== undefined) {
    throw invalid(
      `${JSON.stringify(wrong)} is an invalid component of ${JSON.stringify(text)}: platform specifier component must match ${JSON.stringify(COMPONENT.source)}`,
    );
  }
  const [first = "", second, variant] = parts;
  if (second !== undefined) return { os: first, ...processorOf(second, variant) };
  if (SYSTEMS.includes(first)) return { os: first, ...processorOf(host.architecture, host.variant) };
  const processor = processorOf(first);
  if (PROCESSORS.includes(processor.architecture)) return { os: host.os, ...processor };
  throw invalid(`${JSON.stringify(text)}: unknown operating system or architecture`);
}

const COMPONENT = /^[A-Za-z0-9_.-]+$/;
/** What a single word may mean. */
const SYSTEMS = ["darwin", "freebsd", "linux", "netbsd", "openbsd", "solaris", "windows"];
const PROCESSORS = [
  "386",
  "amd64",
  "arm",
  "arm64",
  "loong64",
  "mips64",
  "mips64le",
  "ppc64",
  "ppc64le",
  "riscv64",
  "s390x",
  "wasm",
];

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", `${message}: invalid argument`);
}

/** By its usual names, the variant left out where it is the ordinary one. */
function processorOf(name: string, variant?: string): { architecture: string; variant?: string } {
  const known = Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined;
  const architecture = known?.architecture ?? name;
  const asked = variant?.replace(/^(?=[0-9])/, "v") ?? known?.variant ?? (architecture === "arm" ? "v7" : undefined);
  return asked === undefined || ORDINARY[architecture] === asked ? { architecture } : { architecture, variant: asked };
}

/** By its usual names; what an image leaves out is left out. */
export function normalisePlatform({ os, architecture, variant, ...rest }: Platform): Platform {
  return { ...rest, os: os.toLowerCase(), ...processorOf(architecture.toLowerCase(), variant || undefined) };
}

/** As it is, for users. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant ? [variant] : [])].join("/");
}

/** `linux/arm/v7`; of any document that says its platform so. */
export function platformText(platform: Pick<Platform, "os" | "architecture" | "variant">): string {
  const { os, architecture, variant } = platform;
  return formatPlatform(normalisePlatform({ os, architecture, ...(variant ? { variant } : {}) }));
}

/**
 * How well a machine for `wanted` runs what is made for `offered`: 0 best, undefined not at all. The order is containerd's: lesser
 * variants of the same processor, then the 32-bit processors that it is as well.
 */
export function platformRank(offered: string, wanted: Platform): number | undefined {
  const rank = acceptable(wanted).indexOf(offered);
  return rank < 0 ? undefined : rank;
}

/** Sorts by fitness for a machine; what it does not run comes last. The order of equals stays. */
export function byPlatform<T extends { readonly platform: string }>(items: readonly T[], wanted: Platform): T[] {
  const rankOf = (item: T) => platformRank(item.platform, wanted) ?? Number.MAX_SAFE_INTEGER;
  return items.toSorted((a, b) => rankOf(a) - rankOf(b));
}

const ARM_VARIANTS = ["v8", "v7", "v6", "v5"];

/** Platforms that run on one, as texts. */
function acceptable(wanted: Platform): string[] {
  const { os, architecture, variant } = normalisePlatform(wanted);
  const numbered = (name: string, variants: readonly string[]) =>
    variants.map((text) => platformText({ os, architecture: name, variant: text }));
  const number = Number(/^v(\d)$/.exec(variant ?? "")?.[1]);
  if (architecture === "amd64") {
    const below = Array.from({ length: Math.max(number || 1, 1) }, (_, index) => `v${(number || 1) - index}`);
    return [...numbered("amd64", below), platformText({ os, architecture: "386" })];
  }
  if (architecture === "arm64") {
    const own = number > 8 ? [`v${number}`, "v8"] : ["v8"];
    return [...numbered("arm64", own), ...numbered("arm", ARM_VARIANTS)];
  }
  if (architecture === "arm" && ARM_VARIANTS.includes(variant ?? "")) {
    return numbered("arm", ARM_VARIANTS.slice(ARM_VARIANTS.indexOf(variant ?? "")));
  }
  return [platformText({ os, architecture, ...(variant ? { variant } : {}) })];
}
