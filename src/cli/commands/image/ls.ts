import { images } from "#client";
import { defineCommand } from "../../command.ts";
import { bool } from "../../flags/flag.ts";
import { filterFlag, formatFlag, toFilters } from "../../flags/format.ts";
import { writeFormatted } from "../../format/formatter.ts";
import { imageFormatter, imageRows } from "../../format/images.ts";

export const ls = defineCommand({
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  summary: "List images",
  args: { kind: "at-most", count: 1 },
  flags: {
    all: bool({ short: "a", help: "Show all images (default hides intermediate images)" }),
    digests: bool({ help: "Show digests" }),
    filter: filterFlag("Filter output based on conditions provided", "f"),
    format: formatFlag(),
    "no-trunc": bool({ help: "Don't truncate output" }),
    quiet: bool({ short: "q", help: "Only show image IDs" }),
  },
  completeArgs: "images",
  async run(context, { flags, args }) {
    const { io } = context;
    const given = toFilters(flags.filter);
    const filters = args[0] === undefined ? given : new Map([...given, ["reference", [args[0]]]]);
    const list = await images.list(await context.engine(), { all: flags.all, filters });
    const format = flags.format || (flags.quiet ? "" : (context.config().imagesFormat ?? ""));
    const digests = flags.digests || /\.Digest\b/.test(format);
    const formatter = imageFormatter({ truncate: !flags["no-trunc"], digests: flags.digests, nowMs: io.now() });
    const rows = imageRows(list, { digests });
    await writeFormatted(io.stdout, formatter, rows, { format, quiet: flags.quiet });
  },
});
