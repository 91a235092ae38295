import { images } from "#client";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { list, string } from "../../flags/flag.ts";
import { showProgress } from "../../progress/messages.ts";
import { readFileParts } from "./_read-file.ts";
import { splitTarget } from "./_target.ts";

export const importImage = defineCommand({
  usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  summary: "Import the contents from a tarball to create a filesystem image",
  args: { kind: "at-least", count: 1 },
  flags: {
    change: list({ short: "c", help: "Apply Dockerfile instruction to the created image" }),
    message: string({ short: "m", help: "Set commit message for imported image" }),
    platform: string({ help: "Set platform if server is multi-platform capable" }),
  },
  completeArgs: "files",
  async run(context, { flags, args }) {
    const { io } = context;
    const [source = "", target] = args;
    const messages = images.importTar(await context.engine(), {
      ...(await openSource(context, source)),
      ...splitTarget(target),
      message: flags.message,
      changes: flags.change,
      platform: flags.platform,
    });
    await showProgress(messages, { io, output: io.stdout });
  },
});

/** URLs are for the engine to fetch; what we read ourselves goes along as the body, which the source `-` says. */
async function openSource(
  { io }: Context,
  source: string,
): Promise<{ source: string; body?: AsyncIterable<Uint8Array> }> {
  if (source === "-") return { source, body: io.stdin.read() };
  if (/^(https?|ftp):\/\//.test(source)) return { source };
  return { source: "-", body: readFileParts(source) };
}
