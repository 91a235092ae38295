import { type EngineClient, images } from "#client";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { list, string } from "../../flags/flag.ts";
import { NewFile } from "../../new-file.ts";
import { countOnTerminal } from "../../progress/stream.ts";
import { interruptible } from "../../progress/transfer.ts";
import { platformsFlag } from "./_platform.ts";

export const save = defineCommand({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  summary: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  args: { kind: "at-least", count: 1 },
  flags: {
    output: string({ short: "o", help: "Write to a file, instead of STDOUT" }),
    platform: list({
      type: "strings",
      help: 'Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    }),
  },
  completeArgs: "images",
  completeFlags: { output: "files" },
  async run(context, { flags, args }) {
    const { io } = context;
    if (flags.output === "" && io.stdout.isTerminal) {
      throw new EngineError(
        "invalid-parameter",
        "cowardly refusing to save to a terminal. Use the -o flag or redirect",
      );
    }
    const platforms = platformsFlag(flags.platform, io);
    const engine = await context.engine();
    await interruptible(io, async (signal) => {
      using file = flags.output === "" ? undefined : new NewFile(flags.output, "failed to save image");
      const archive = await images.save(engine, args, { ...platforms, signal });
      const body = io.stderr.isTerminal ? await counted(context, engine, { names: args, archive }) : archive;
      for await (const bytes of body) {
        if (file === undefined) io.stdout.write(bytes);
        else file.write(bytes);
      }
      file?.commit();
    });
  },
});

interface Archive {
  readonly names: readonly string[];
  readonly archive: AsyncIterable<Uint8Array>;
}

async function counted({ io }: Context, engine: EngineClient, { names, archive }: Archive) {
  const found = await Promise.all(names.map((name) => images.inspect(engine, name).catch(() => undefined)));
  const sizes = new Map(found.map((image) => [image?.Id, image?.Size ?? 0]));
  const totalBytes = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  const labels = { id: names.join(" "), during: "Saving", after: "Saved" };
  return countOnTerminal(archive, { io, output: io.stderr, totalBytes, labels });
}
