import { containers } from "#client";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { describeFailure } from "../../failure.ts";

export const rename = defineCommand({
  usage: "CONTAINER NEW_NAME",
  summary: "Rename a container",
  args: { kind: "exactly", count: 2 },
  flags: {},
  completeArgs: "containers",
  async run(context, { args }) {
    const [from = "", to = ""] = args.map((name) => name.trim());
    if (from === "" || to === "") {
      throw new EngineError("invalid-parameter", "Error: Neither old nor new names may be empty");
    }
    try {
      await containers.rename(await context.engine(), from, to);
    } catch (error) {
      context.io.stderr.write(`${await describeFailure(error)}\n`);
      throw new EngineError("internal", `Error: failed to rename container named ${from}`, { cause: error });
    }
  },
});
