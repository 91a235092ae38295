import { containers } from "#client";
import { defineCommand } from "../../command.ts";
import { bool, int } from "../../flags/flag.ts";
import { filterFlag, formatFlag, toFilters } from "../../flags/format.ts";
import { containerFormatter } from "../../format/containers.ts";
import { writeFormatted } from "../../format/formatter.ts";

export const ls = defineCommand({
  usage: "[OPTIONS]",
  summary: "List containers",
  args: { kind: "none" },
  flags: {
    all: bool({ short: "a", help: "Show all containers (default shows just running)" }),
    filter: filterFlag("Filter output based on conditions provided", "f"),
    format: formatFlag(),
    last: int({ short: "n", default: -1, help: "Show n last created containers (includes all states)" }),
    latest: bool({ short: "l", help: "Show the latest created container (includes all states)" }),
    "no-trunc": bool({ help: "Don't truncate output" }),
    quiet: bool({ short: "q", help: "Only display container IDs" }),
    size: bool({ short: "s", help: "Display total file sizes" }),
  },
  async run(context, { flags, given }) {
    const { io } = context;
    const engine = await context.engine();
    if (flags.quiet && flags.format !== "") {
      io.stderr.write("WARNING: Ignoring custom format, because both --format and --quiet are set.\n");
    }
    const format = flags.quiet ? "" : flags.format || (context.config().psFormat ?? "");
    // Only a template that asks for sizes has the engine measure them, unless the user said otherwise.
    const size = given("size") ? flags.size : /\.Size\b|\bjson \./.test(format);
    const items = await containers.list(engine, {
      all: flags.all,
      limit: flags.latest && flags.last === -1 ? 1 : flags.last,
      size,
      filters: toFilters(flags.filter),
    });
    const formatter = containerFormatter({ truncate: !flags["no-trunc"], size, nowMs: io.now() });
    await writeFormatted(io.stdout, formatter, items, { format, quiet: flags.quiet });
  },
});
