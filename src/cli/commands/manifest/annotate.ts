import type { Platform } from "#api/oci";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { list, string } from "../../flags/flag.ts";
import { ListStore } from "../../manifests/list-store.ts";
import { orderPlatform } from "../../manifests/manifest-entry.ts";
import { manifestName } from "../../manifests/remote.ts";

/** What programs can be made for, by operating system. */
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  darwin: ["386", "amd64", "arm", "arm64"],
  dragonfly: ["amd64"],
  freebsd: ["386", "amd64", "arm", "arm64"],
  linux: ["386", "amd64", "arm", "arm64", "loong64", "mips64", "mips64le", "ppc64le", "riscv64", "s390x"],
  netbsd: ["386", "amd64", "arm"],
  openbsd: ["386", "amd64", "arm"],
  plan9: ["386", "amd64"],
  solaris: ["amd64"],
  windows: ["386", "amd64", "arm", "arm64"],
};

export const annotate = defineCommand({
  usage: "[OPTIONS] MANIFEST_LIST MANIFEST",
  summary: "Add additional information to a local image manifest",
  args: { kind: "exactly", count: 2 },
  flags: {
    arch: string({ help: "Set architecture" }),
    os: string({ help: "Set operating system" }),
    "os-features": list({ type: "strings", help: "Set operating system feature" }),
    "os-version": string({ help: "Set operating system version" }),
    variant: string({ help: "Set architecture variant" }),
  },
  completeArgs: "images",
  completeFlags: { arch: ARCHITECTURES.linux ?? [], os: Object.keys(ARCHITECTURES) },
  async run(context, { flags, args }) {
    const target = manifestName(args[0]!, "annotate: error parsing name for manifest list");
    const image = manifestName(args[1]!, "annotate: error parsing name for manifest");
    const store = new ListStore(context.configDirectory);
    const entry = store.find(target, image);
    if (entry === undefined) {
      throw new EngineError("not-found", `manifest for image ${image} does not exist in ${target}`);
    }
    const platform = changed(entry.Descriptor.platform, flags);
    if (!ARCHITECTURES[platform.os]?.includes(platform.architecture)) {
      const message = `manifest entry for image has unsupported os/arch combination: ${flags.os}/${flags.arch}`;
      throw new EngineError("invalid-parameter", message);
    }
    await store.save(target, image, { ...entry, Descriptor: { ...entry.Descriptor, platform } });
  },
});

interface Changes {
  readonly arch: string;
  readonly os: string;
  readonly "os-features": readonly string[];
  readonly "os-version": string;
  readonly variant: string;
}

function changed(platform: Platform | undefined, changes: Changes): Platform {
  const features = changes["os-features"].flatMap((text) => text.split(","));
  const all = [...new Set([...(platform?.["os.features"] ?? []), ...features])];
  const version = changes["os-version"] || platform?.["os.version"];
  const variant = changes.variant || platform?.variant;
  return orderPlatform({
    architecture: changes.arch || (platform?.architecture ?? ""),
    os: changes.os || (platform?.os ?? ""),
    ...(version && { "os.version": version }),
    ...(all.length > 0 && { "os.features": all }),
    ...(variant && { variant }),
  });
}
