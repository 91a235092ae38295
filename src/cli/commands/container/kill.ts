import { containers } from "#client";
import { defineCommand } from "../../command.ts";
import { string } from "../../flags/flag.ts";
import { forEach } from "./_each.ts";

export const kill = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Kill one or more running containers",
  args: { kind: "at-least", count: 1 },
  flags: { signal: string({ short: "s", help: "Signal to send to the container" }) },
  completeArgs: "running-containers",
  completeFlags: { signal: ["KILL", "TERM", "INT", "HUP", "QUIT", "USR1", "USR2"] },
  async run(context, { flags, args }) {
    const engine = await context.engine();
    return forEach(context, args, (name) => containers.kill(engine, name, flags.signal));
  },
});
