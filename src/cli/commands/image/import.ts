import { createReadStream } from "node:fs";
import { familiarName, parseReference } from "#api/distribution";
import { images } from "#client";
import { EngineError, messageOf } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { openFault } from "../../create/env-files.ts";
import { list, string } from "../../flags/flag.ts";
import { showProgress } from "../../progress/messages.ts";

const READ_BYTES = 1 << 20;

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
  return { source: "-", body: readParts(source) };
}

async function* readParts(path: string): AsyncGenerator<Uint8Array, void> {
  try {
    yield* createReadStream(path, { highWaterMark: READ_BYTES });
  } catch (cause) {
    throw new EngineError("invalid-parameter", openFault(path, cause), { cause });
  }
}

function splitTarget(target: string | undefined): { repo: string; tag: string } {
  if (target === undefined) return { repo: "", tag: "" };
  try {
    const reference = parseReference(target);
    return { repo: familiarName(reference), tag: reference.tag ?? "" };
  } catch (cause) {
    throw new EngineError("invalid-parameter", messageOf(cause), { cause });
  }
}
