import { networks } from "#client";
import { defineCommand } from "../../command.ts";
import { bool } from "../../flags/flag.ts";
import { filterFlag, formatFlag, toFilters } from "../../flags/format.ts";
import { writeFormatted } from "../../format/formatter.ts";
import { networkFormatter } from "../../format/networks.ts";

export const ls = defineCommand({
  usage: "[OPTIONS]",
  summary: "List networks",
  args: { kind: "none" },
  flags: {
    filter: filterFlag('Provide filter values (e.g. "driver=bridge")', "f"),
    format: formatFlag(),
    "no-trunc": bool({ help: "Do not truncate the output" }),
    quiet: bool({ short: "q", help: "Only display network IDs" }),
  },
  async run(context, { flags }) {
    const list = await networks.list(await context.engine(), toFilters(flags.filter));
    const items = list.sort((a, b) => (a.Name ?? "").localeCompare(b.Name ?? "", "en", { numeric: true }));
    const format = flags.format || (flags.quiet ? "" : (context.config().networksFormat ?? ""));
    const formatter = networkFormatter({ truncate: !flags["no-trunc"] });
    await writeFormatted(context.io.stdout, formatter, items, { format, quiet: flags.quiet });
  },
});
