import { networks } from "#client";
import { defineCommand } from "../../command.ts";
import { bool } from "../../flags/flag.ts";
import { inspectFormatFlag } from "../../flags/format.ts";
import { inspectEach } from "../_inspect.ts";

export const inspect = defineCommand({
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  summary: "Display detailed information on one or more networks",
  args: { kind: "at-least", count: 1 },
  flags: { format: inspectFormatFlag(), verbose: bool({ short: "v", help: "Verbose output for diagnostics" }) },
  completeArgs: "networks",
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const find = (name: string) => networks.inspect(engine, name, { verbose: flags.verbose });
    return inspectEach(context, { names: args, format: flags.format, find });
  },
});
