import { containers } from "#client";
import { defineCommand } from "../../command.ts";
import { bool } from "../../flags/flag.ts";
import { inspectFormatFlag } from "../../flags/format.ts";
import { inspectEach } from "../_inspect.ts";

export const inspect = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Display detailed information on one or more containers",
  args: { kind: "at-least", count: 1 },
  flags: { format: inspectFormatFlag(), size: bool({ short: "s", help: "Display total file sizes" }) },
  completeArgs: "containers",
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const find = (name: string) => containers.inspect(engine, name, { size: flags.size });
    return inspectEach(context, { names: args, format: flags.format, find });
  },
});
