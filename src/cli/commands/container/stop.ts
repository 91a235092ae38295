import { containers } from "#client";
import { defineCommand } from "../../command.ts";
import { forEach } from "./_each.ts";
import { checkStopFlags, stopFlags } from "./_stop.ts";

export const stop = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Stop one or more running containers",
  args: { kind: "at-least", count: 1 },
  flags: stopFlags,
  completeArgs: "running-containers",
  completeFlags: { signal: ["TERM", "KILL", "INT", "HUP", "QUIT"] },
  async run(context, invocation) {
    const options = checkStopFlags(invocation);
    const engine = await context.engine();
    return forEach(context, invocation.args, (name) => containers.stop(engine, name, options));
  },
});
