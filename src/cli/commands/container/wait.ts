import { containers } from "#client";
import { EngineError, isKind } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { describeFailure } from "../../failure.ts";

export const wait = defineCommand({
  usage: "CONTAINER [CONTAINER...]",
  summary: "Block until one or more containers stop, then print their exit codes",
  args: { kind: "at-least", count: 1 },
  flags: {},
  completeArgs: "running-containers",
  async run(context, { args }) {
    const engine = await context.engine();
    const failures: string[] = [];
    for (const name of args) {
      try {
        const { result } = await containers.wait(engine, name);
        context.io.stdout.write(`${(await result).StatusCode}\n`);
      } catch (error) {
        if (isKind(error, "canceled")) throw error;
        failures.push(await describeFailure(error));
      }
    }
    if (failures.length > 0) throw new EngineError("internal", failures.join("\n"));
  },
});
