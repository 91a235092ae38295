import { volumes } from "#client";
import { defineCommand } from "../../command.ts";
import { inspectFormatFlag } from "../../flags/format.ts";
import { inspectEach } from "../_inspect.ts";

export const inspect = defineCommand({
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  summary: "Display detailed information on one or more volumes",
  args: { kind: "at-least", count: 1 },
  flags: { format: inspectFormatFlag() },
  completeArgs: "volumes",
  async run(context, { flags, args }) {
    const engine = await context.engine();
    return inspectEach(context, { names: args, format: flags.format, find: (name) => volumes.inspect(engine, name) });
  },
});
