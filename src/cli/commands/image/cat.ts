import { decodePathStat, isGoDirectory, PATH_STAT_HEADER } from "#api/engine";
import { type EngineClient, imageFiles } from "#client";
import { EngineError } from "#lib/errors";
import { expandSparse, readTar } from "#lib/tar";
import { defineCommand } from "../../command.ts";
import { string } from "../../flags/flag.ts";
import { type ImagePath, requireImagePath } from "./_image-path.ts";
import { platformFlag } from "./_platform.ts";

export const cat = defineCommand({
  usage: "[OPTIONS] IMAGE:/PATH [IMAGE:/PATH...]",
  summary: "Print files of an image",
  details: `Reads them from the image's layers: nothing is started, mounted or extracted.

  tug cat nginx:/etc/nginx/nginx.conf`,
  args: { kind: "at-least", count: 1 },
  flags: {
    platform: string({ help: 'Look into the image for the given platform (e.g., "linux/amd64")' }),
  },
  completeArgs: "images",
  async run(context, { flags, args }) {
    const { io } = context;
    const engine = await context.engine();
    const options = platformFlag(flags.platform, io);
    for (const name of args)
      for await (const piece of contentOf(engine, requireImagePath(name), options)) await io.stdout.writeAsync(piece);
  },
});

type Options = ReturnType<typeof platformFlag>;

/** The archive of a path holds a symlink as such, and tells where it leads in the end. */
async function* contentOf(
  engine: EngineClient,
  { image, path }: ImagePath,
  options: Options,
): AsyncGenerator<Uint8Array, void> {
  const { headers, body } = await imageFiles.archive(engine, image, path, options);
  const { mode, linkTarget } = decodePathStat(headers.get(PATH_STAT_HEADER.toLowerCase()));
  if (isGoDirectory(mode)) throw invalid(`"${image}:${path}" is a directory: see "tug ls"`);
  for await (const { entry, body: stored } of readTar(body)) {
    if (entry.type === "file") yield* expandSparse(entry, stored);
    else if (entry.type !== "symlink") throw invalid(`"${image}:${path}" is a ${entry.type} and has no content`);
    else if (linkTarget === "" || linkTarget === path) throw invalid(`"${image}:${path}" leads nowhere`);
    else yield* contentOf(engine, { image, path: linkTarget }, options);
  }
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
