import { system } from "#client";
import { defineCommand } from "../../command.ts";
import { bool } from "../../flags/flag.ts";
import { formatFlag } from "../../flags/format.ts";
import { diskUsageFormatter, diskUsageRows } from "../../format/disk-usage.ts";
import { verboseDiskUsage } from "../../format/disk-usage-verbose.ts";
import { writeFormatted } from "../../format/formatter.ts";

export const df = defineCommand({
  usage: "[OPTIONS]",
  summary: "Show disk usage",
  args: { kind: "none" },
  flags: {
    format: formatFlag(),
    verbose: bool({ short: "v", help: "Show detailed information on space usage" }),
  },
  async run(context, { flags }) {
    const { io } = context;
    const usage = await system.diskUsage(await context.engine());
    if (flags.verbose) return io.stdout.write(await verboseDiskUsage(usage, { format: flags.format, nowMs: io.now() }));
    await writeFormatted(io.stdout, diskUsageFormatter, diskUsageRows(usage), { format: flags.format, quiet: false });
  },
});
