import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { bool, string } from "../../flags/flag.ts";
import { refuseContentTrust } from "./_content-trust.ts";
import { pullImage } from "./_pull.ts";

export const pull = defineCommand({
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  summary: "Download an image from a registry",
  args: { kind: "exactly", count: 1 },
  flags: {
    "all-tags": bool({ short: "a", help: "Download all tagged images in the repository" }),
    "all-platforms": bool({ help: "Download the image for every platform that it is made for" }),
    "disable-content-trust": bool({ default: true, help: "Skip image verification" }),
    platform: string({ help: "Set platform if server is multi-platform capable" }),
    quiet: bool({ short: "q", help: "Suppress verbose output" }),
  },
  completeArgs: "images",
  async run(context, { flags, args, given }) {
    refuseContentTrust(context.io, flags["disable-content-trust"], given("disable-content-trust"));
    if (flags["all-platforms"] && flags.platform !== "") {
      throw new EngineError(
        "invalid-parameter",
        "conflicting options: cannot specify both --all-platforms and --platform",
      );
    }
    const engine = await context.engine();
    const name = await pullImage(context, engine, {
      image: args[0]!,
      platform: flags["all-platforms"] ? "" : flags.platform || (context.io.env.DOCKER_DEFAULT_PLATFORM ?? ""),
      allPlatforms: flags["all-platforms"],
      quiet: flags.quiet,
      output: context.io.stdout,
      allTags: flags["all-tags"],
      tellTag: true,
    });
    context.io.stdout.write(`${name}\n`);
  },
});
