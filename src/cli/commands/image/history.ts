import { images } from "#client";
import { defineCommand } from "../../command.ts";
import { bool, string } from "../../flags/flag.ts";
import { formatFlag } from "../../flags/format.ts";
import { writeFormatted } from "../../format/formatter.ts";
import { historyFormatter } from "../../format/history.ts";
import { platformFlag } from "./_platform.ts";

export const history = defineCommand({
  usage: "[OPTIONS] IMAGE",
  summary: "Show the history of an image",
  args: { kind: "exactly", count: 1 },
  flags: {
    format: formatFlag(),
    human: bool({ short: "H", default: true, help: "Print sizes and dates in human readable format" }),
    "no-trunc": bool({ help: "Don't truncate output" }),
    platform: string({
      help: 'Show history for the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    }),
    quiet: bool({ short: "q", help: "Only show image IDs" }),
  },
  completeArgs: "images",
  async run(context, { flags, args }) {
    const { io } = context;
    const entries = await images.history(await context.engine(), args[0]!, platformFlag(flags.platform, context.io));
    const formatter = historyFormatter({ human: flags.human, truncate: !flags["no-trunc"], nowMs: io.now() });
    await writeFormatted(io.stdout, formatter, entries, { format: flags.format, quiet: flags.quiet });
  },
});
