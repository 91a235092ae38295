import { decodePathStat, isGoDirectory, isGoSymlink, PATH_STAT_HEADER } from "#api/engine";
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
    for (const name of args) {
      const file = await followed(engine, requireImagePath(name), options);
      for await (const piece of contentOf(engine, file, options)) await io.stdout.writeAsync(piece);
    }
  },
});

type Options = ReturnType<typeof platformFlag>;

/** Where symlinks at the end of the path lead. @throws EngineError for what has no content */
async function followed(engine: EngineClient, { image, path }: ImagePath, options: Options): Promise<ImagePath> {
  const head = await imageFiles.archive(engine, image, path, { ...options, method: "HEAD" });
  const { mode, linkTarget } = decodePathStat(head.headers.get(PATH_STAT_HEADER.toLowerCase()));
  if (isGoDirectory(mode))
    throw new EngineError("invalid-parameter", `"${image}:${path}" is a directory: see "tug ls"`);
  if (!isGoSymlink(mode)) return { image, path };
  if (linkTarget === "") throw new EngineError("not-found", `"${image}:${path}" is a symlink that leads nowhere`);
  return await followed(engine, { image, path: linkTarget }, options);
}

async function* contentOf(
  engine: EngineClient,
  { image, path }: ImagePath,
  options: Options,
): AsyncGenerator<Uint8Array, void> {
  const { body } = await imageFiles.archive(engine, image, path, options);
  for await (const { entry, body: stored } of readTar(body)) {
    if (entry.type !== "file")
      throw new EngineError("invalid-parameter", `"${image}:${path}" is a ${entry.type} and has no content`);
    yield* expandSparse(entry, stored);
  }
}
