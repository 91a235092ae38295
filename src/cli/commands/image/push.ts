import { familiarName, formatReference, parseReference, withDefaultTag } from "#api/distribution";
import { images } from "#client";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { registryAuth } from "../../credentials/stores.ts";
import { bool, string } from "../../flags/flag.ts";
import { showTransfer } from "../../progress/transfer.ts";
import { refuseContentTrust } from "./_content-trust.ts";
import { platformFlag } from "./_platform.ts";

const PLATFORM_NOTE = `
 Info -> Using --platform pushes only the specified platform manifest of a multi-platform image index.
         Other components, like attestations, will not be included.
         To push the complete multi-platform image, remove the --platform flag.
${" ".repeat(9)}
`;

export const push = defineCommand({
  usage: "[OPTIONS] NAME[:TAG]",
  summary: "Upload an image to a registry",
  args: { kind: "exactly", count: 1 },
  flags: {
    "all-tags": bool({ short: "a", help: "Push all tags of an image to the repository" }),
    "disable-content-trust": bool({ default: true, help: "Skip image signing" }),
    platform: string({
      help: `Push a platform-specific manifest as a single-platform image to the registry.
Image index won't be pushed, meaning that other manifests, including attestations won't be preserved.
'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)`,
    }),
    quiet: bool({ short: "q", help: "Suppress verbose output" }),
  },
  completeArgs: "images",
  async run(context, { flags, args, given }) {
    const { io } = context;
    refuseContentTrust(io, flags["disable-content-trust"], given("disable-content-trust"));
    const parsed = parseReference(args[0]!);
    if (flags["all-tags"] && (parsed.tag !== undefined || parsed.digest !== undefined)) {
      throw new EngineError("invalid-parameter", "tag can't be used with --all-tags/-a");
    }
    if (parsed.digest !== undefined) throw new EngineError("invalid-parameter", "cannot push a digest reference");
    const platform = platformFlag(flags.platform, io);
    const reference = flags["all-tags"] ? parsed : withDefaultTag(parsed);
    if (reference.tag !== parsed.tag && !flags.quiet) io.stdout.write(`Using default tag: ${reference.tag}\n`);
    if (platform.platform !== undefined && !flags.quiet) io.stdout.write(PLATFORM_NOTE);
    const registry = await registryAuth(context, reference.domain);
    const engine = await context.engine();
    await showTransfer(context, { output: io.stdout, quiet: flags.quiet }, (signal) =>
      images.push(engine, familiarName(reference), {
        tag: reference.tag ?? "",
        ...platform,
        registryAuth: registry,
        signal,
      }),
    );
    if (flags.quiet) io.stdout.write(`${formatReference(reference)}\n`);
  },
});
