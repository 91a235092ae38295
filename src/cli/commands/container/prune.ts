import { containers } from "#client";
import { defineCommand } from "../../command.ts";
import { bool } from "../../flags/flag.ts";
import { filterFlag, toFilters } from "../../flags/format.ts";
import { formatSize } from "../../values/sizes.ts";
import { confirm } from "../_confirm.ts";

const WARNING = `WARNING! This will remove all stopped containers.
Are you sure you want to continue?`;

export const prune = defineCommand({
  usage: "[OPTIONS]",
  summary: "Remove all stopped containers",
  args: { kind: "none" },
  flags: {
    filter: filterFlag('Provide filter values (e.g. "until=<timestamp>")'),
    force: bool({ short: "f", help: "Do not prompt for confirmation" }),
  },
  async run(context, { flags }) {
    if (!flags.force && !(await confirm(context, WARNING))) return;
    const { deleted, spaceReclaimed } = await containers.prune(await context.engine(), toFilters(flags.filter));
    const list = deleted.length === 0 ? "" : `Deleted Containers:\n${deleted.map((id) => `${id}\n`).join("")}\n`;
    context.io.stdout.write(`${list}Total reclaimed space: ${formatSize(spaceReclaimed, 4)}\n`);
  },
});
