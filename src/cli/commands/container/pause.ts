import { containers } from "#client";
import { defineCommand } from "../../command.ts";
import { forEach } from "./_each.ts";

export const pause = defineCommand({
  usage: "CONTAINER [CONTAINER...]",
  summary: "Pause all processes within one or more containers",
  args: { kind: "at-least", count: 1 },
  flags: {},
  completeArgs: "unpaused-containers",
  async run(context, { args }) {
    const engine = await context.engine();
    return forEach(context, args, (name) => containers.pause(engine, name));
  },
});
