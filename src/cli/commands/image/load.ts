import { images, parseJsonLines } from "#client";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { bool, list, string } from "../../flags/flag.ts";
import { showProgress } from "../../progress/messages.ts";
import { platformsFlag } from "./_platform.ts";
import { readFileParts } from "./_read-file.ts";

export const load = defineCommand({
  usage: "[OPTIONS]",
  summary: "Load an image from a tar archive or STDIN",
  args: { kind: "none" },
  flags: {
    input: string({ short: "i", help: "Read from tar archive file, instead of STDIN" }),
    platform: list({
      type: "strings",
      help: 'Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    }),
    quiet: bool({ short: "q", help: "Suppress the load output" }),
  },
  completeFlags: { input: "files" },
  async run(context, { flags }) {
    const { io } = context;
    const input = openInput(context, flags.input);
    const quiet = flags.quiet || !io.stdout.isTerminal;
    const response = await images.load(await context.engine(), input, {
      quiet,
      ...platformsFlag(flags.platform, context.io),
    });
    if (response.headers.get("content-type") !== "application/json") {
      for await (const bytes of response.body) io.stdout.write(bytes);
      return;
    }
    await showProgress(parseJsonLines<images.ProgressMessage>(response.body), { io, output: io.stdout });
  },
});

function openInput({ io }: Context, path: string): AsyncIterable<Uint8Array> {
  if (path !== "") return readFileParts(path);
  if (io.stdin.isTerminal) throw new EngineError("invalid-parameter", "requested load from stdin, but stdin is empty");
  return io.stdin.read();
}
