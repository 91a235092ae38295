import { containers, type EngineClient, imageFiles } from "#client";
import { EngineError, isKind } from "#lib/errors";
import { defineCommand } from "../command.ts";
import { copyIn } from "../copy/copy-in.ts";
import { copyOut, type OpenArchive } from "../copy/copy-out.ts";
import { namesImage, type Place, parsePlace } from "../copy/place.ts";
import { bool } from "../flags/flag.ts";

export const cp = defineCommand({
  usage: "[OPTIONS] CONTAINER:SRC_PATH|IMAGE:/SRC_PATH DEST_PATH|-\n  [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  summary: "Copy files/folders between a container and the local filesystem, or out of an image",
  details: `Use '-' as the source to read a tar archive from stdin and extract it to a directory
destination in a container. Use '-' as the destination to stream a tar archive of a
container source to stdout.

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
    if (args[0] === "") throw invalid("source can not be empty");
    if (args[1] === "") throw invalid("destination can not be empty");
    const [source, target] = [parsePlace(args[0]!), parsePlace(args[1]!)];
    if (source.kind === "local" && target.kind === "local") throw invalid("must specify at least one container source");
    if (source.kind === "remote" && target.kind === "remote")
      throw invalid("copying between containers is not supported");
    const engine = await context.engine();
    const { archive, quiet, "follow-link": followLink } = flags;
    if (source.kind === "local") {
      const container = intoContainer(target);
      return await copyIn(context, {
        engine,
        container,
        source: source.path,
        target: target.path,
        followLink,
        archive,
        quiet,
      });
    }
    await copyOut(context, {
      open: await opener(engine, source.name),
      path: source.path,
      target: target.path,
      followLink,
      quiet,
    });
  },
});

function intoContainer(target: Place): string {
  if (target.kind === "remote" && !namesImage(target.name)) return target.name;
  throw invalid(
    `"${target.kind === "remote" ? target.name : target.path}" is an image, and images do not change: build one, or commit a container`,
  );
}

/** A container of that name wins. */
async function opener(engine: EngineClient, name: string): Promise<OpenArchive> {
  if (!namesImage(name) && (await isContainer(engine, name))) return (path) => containers.archive(engine, name, path);
  return (path) => imageFiles.archive(engine, name, path);
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
