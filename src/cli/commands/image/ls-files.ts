import type { ImageFile } from "#api/engine";
import { imageFiles } from "#client";
import { defineCommand } from "../../command.ts";
import { bool, string } from "../../flags/flag.ts";
import { styleFor } from "../../format/explain/style.ts";
import { type ListingStyle, listingOf } from "../../format/files.ts";
import { parseImagePath } from "./_image-path.ts";
import { platformFlag } from "./_platform.ts";

export const lsFiles = defineCommand({
  usage: "[OPTIONS] IMAGE[:/PATH] [IMAGE[:/PATH]...]",
  summary: "List files in an image",
  details: `Reads the image's index: nothing is started, mounted or extracted.

  tug ls nginx:/etc/nginx
  tug ls -lR registry.example:5000/a/b:1.2:/app`,
  args: { kind: "at-least", count: 1 },
  flags: {
    all: bool({ short: "a", help: "Show names that begin with a dot" }),
    human: bool({ short: "h", help: "Print sizes with -l in human readable format" }),
    json: bool({ help: "Print a JSON object for each file" }),
    layers: bool({ help: "Show with -l which layer brought each file" }),
    long: bool({ short: "l", help: "Show mode, links, owner, size and time" }),
    platform: string({ help: 'Look into the image for the given platform (e.g., "linux/amd64")' }),
    recursive: bool({ short: "R", help: "List directories within directories, too" }),
  },
  completeArgs: "images",
  async run(context, { flags, args }) {
    const { io } = context;
    const engine = await context.engine();
    const { platform } = platformFlag(flags.platform, io);
    const style: ListingStyle = {
      ...styleFor(io, { truncate: false }),
      long: flags.long,
      human: flags.human,
      isTerminal: io.stdout.isTerminal,
    };
    for (const [position, name] of args.entries()) {
      const { image, path } = parseImagePath(name);
      const found = imageFiles.files(engine, image, path || "/", {
        recursive: flags.recursive,
        layers: flags.layers,
        ...(platform && { platform }),
      });
      const files = flags.all ? found : visible(found, path);
      if (flags.json) {
        for await (const file of files) io.stdout.write(`${JSON.stringify(file)}\n`);
        continue;
      }
      const heads = flags.recursive || args.length > 1 ? { prefix: `${image}:`, first: path || "/" } : undefined;
      if (position > 0) io.stdout.write("\n");
      for await (const text of listingOf(files, { style, ...(heads && { heads }) })) io.stdout.write(text);
    }
  },
});

/** Without what is hidden, or in something hidden, below the path that was asked for. */
async function* visible(files: AsyncIterable<ImageFile>, path: string): AsyncGenerator<ImageFile, void> {
  const hidden = new Set<string>();
  for await (const file of files) {
    const parent = file.Path.slice(0, file.Path.lastIndexOf("/"));
    const isHidden = (file.Name.startsWith(".") && !path.endsWith(file.Name)) || hidden.has(parent);
    if (!isHidden) yield file;
    else if (file.Type === "directory") hidden.add(file.Path);
  }
}
