import { images } from "#client";
import { defineCommand } from "../../command.ts";
import { bool } from "../../flags/flag.ts";
import { filterFlag, toFilters } from "../../flags/format.ts";
import { formatSize } from "../../values/sizes.ts";
import { confirm } from "../_confirm.ts";

const QUESTION = "Are you sure you want to continue?";
const WARNING = `WARNING! This will remove all dangling images.\n${QUESTION}`;
const WARNING_ALL = `WARNING! This will remove all images without at least one container associated to them.\n${QUESTION}`;

export const prune = defineCommand({
  usage: "[OPTIONS]",
  summary: "Remove unused images",
  args: { kind: "none" },
  flags: {
    all: bool({ short: "a", help: "Remove all unused images, not just dangling ones" }),
    filter: filterFlag('Provide filter values (e.g. "until=<timestamp>")'),
    force: bool({ short: "f", help: "Do not prompt for confirmation" }),
  },
  async run(context, { flags }) {
    if (!flags.force && !(await confirm(context, flags.all ? WARNING_ALL : WARNING))) return;
    const filters = new Map([...toFilters(flags.filter), ["dangling", [String(!flags.all)]]]);
    const { deleted, spaceReclaimed } = await images.prune(await context.engine(), filters);
    const lines = deleted.map(({ Deleted, Untagged }) =>
      Untagged ? `untagged: ${Untagged}\n` : `deleted: ${Deleted}\n`,
    );
    const list = lines.length === 0 ? "" : `Deleted Images:\n${lines.join("")}\n`;
    context.io.stdout.write(`${list}Total reclaimed space: ${formatSize(spaceReclaimed, 4)}\n`);
  },
});
