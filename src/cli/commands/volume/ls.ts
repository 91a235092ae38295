import { volumes } from "#client";
import { defineCommand } from "../../command.ts";
import { bool } from "../../flags/flag.ts";
import { filterFlag, formatFlag, toFilters } from "../../flags/format.ts";
import { writeFormatted } from "../../format/formatter.ts";
import { volumeFormatter } from "../../format/volumes.ts";

export const ls = defineCommand({
  usage: "[OPTIONS]",
  summary: "List volumes",
  args: { kind: "none" },
  flags: {
    filter: filterFlag('Provide filter values (e.g. "dangling=true")', "f"),
    format: formatFlag(),
    quiet: bool({ short: "q", help: "Only display volume names" }),
  },
  async run(context, { flags }) {
    const list = await volumes.list(await context.engine(), toFilters(flags.filter));
    const items = list.sort((a, b) => a.Name.localeCompare(b.Name, "en", { numeric: true }));
    const format = flags.format || (flags.quiet ? "" : (context.config().volumesFormat ?? ""));
    await writeFormatted(context.io.stdout, volumeFormatter(), items, { format, quiet: flags.quiet });
  },
});
