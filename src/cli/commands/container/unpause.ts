import { containers } from "#client";
import { defineCommand } from "../../command.ts";
import { forEach } from "./_each.ts";

export const unpause = defineCommand({
  usage: "CONTAINER [CONTAINER...]",
  summary: "Unpause all processes within one or more containers",
  args: { kind: "at-least", count: 1 },
  flags: {},
  completeArgs: "paused-containers",
  async run(context, { args }) {
    const engine = await context.engine();
    return forEach(context, args, (name) => containers.unpause(engine, name));
  },
});
