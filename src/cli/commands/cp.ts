import { containers, type EngineClient, imageFiles } from "#client";
import { EngineError, isKind } from "#lib/errors";
import { defineCommand } from "../command.ts";
import { copyOut, type OpenArchive } from "../copy/copy-out.ts";
import { namesImage, type Place, parsePlace } from "../copy/place.ts";
import { bool } from "../flags/flag.ts";

export const cp = defineCommand({
  usage: "[OPTIONS] CONTAINER:SRC_PATH|IMAGE:/SRC_PATH DEST_PATH|-",
  summary: "Copy files/folders out of a container or an image",
  details: `Use '-' as the destination to stream a tar archive to stdout.

An image needs an absolute path: 'tug cp nginx:1.27:/etc/nginx .' starts nothing.
Where a container and an image have the same name it is the container; add the tag
to mean the image. Nothing can be copied into an image: build one, or commit a
container.`,
  args: { kind: "exactly", count: 2 },
  flags: {
    archive: bool({ short: "a", help: "Archive mode (copy all uid/gid information)" }),
    "follow-link": bool({ short: "L", help: "Always follow symbol link in SRC_PATH" }),
    quiet: bool({
      short: "q",
      help: "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
    }),
  },
  completeArgs: "containers",
  async run(context, { flags, args }) {
    const [source, target] = [parsePlace(args[0]!), parsePlace(args[1]!)];
    const engine = await context.engine();
    if (source.kind === "local") return await refuseTarget(target);
    if (target.kind === "remote") throw invalid("copying between containers is not supported");
    await copyOut(context, {
      open: await opener(engine, source.name),
      path: source.path,
      target: target.path,
      followLink: flags["follow-link"],
      quiet: flags.quiet,
    });
  },
});

async function refuseTarget(target: Place): Promise<never> {
  if (target.kind === "local") throw invalid("must specify at least one container source");
  throw invalid(`"${target.name}" is an image, and images do not change: build one, or commit a container`);
}

/** A container of that name wins. */
async function opener(engine: EngineClient, name: string): Promise<OpenArchive> {
  if (!namesImage(name) && (await isContainer(engine, name)))
    return (path, method) => containers.archive(engine, name, path, { method });
  return (path, method) => imageFiles.archive(engine, name, path, { method });
}

async function isContainer(engine: EngineClient, name: string): Promise<boolean> {
  try {
    await containers.inspect(engine, name);
    return true;
  } catch (error) {
    if (isKind(error, "not-found")) return false;
    throw error;
  }
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
