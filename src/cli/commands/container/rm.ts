import { containers } from "#client";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { bool } from "../../flags/flag.ts";
import { forEach } from "./_each.ts";

export const rm = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Remove one or more containers",
  args: { kind: "at-least", count: 1 },
  flags: {
    force: bool({ short: "f", help: "Force the removal of a running container (uses SIGKILL)" }),
    link: bool({ short: "l", help: "Remove the specified link" }),
    volumes: bool({ short: "v", help: "Remove anonymous volumes associated with the container" }),
  },
  completeArgs: "containers",
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const { force, link, volumes } = flags;
    const remove = async (name: string) => {
      const container = name.replace(/^\/+|\/+$/g, "");
      if (container === "") throw new EngineError("invalid-parameter", "Container name cannot be empty");
      await containers.remove(engine, container, { force, link, volumes });
    };
    return forEach(context, args, remove, { tolerateMissing: force });
  },
});
