import { type EngineClient, images } from "#client";
import { EngineError, isKind } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { describeFailure } from "../../failure.ts";
import { bool, list } from "../../flags/flag.ts";
import { platformsFlag } from "./_platform.ts";

export const rm = defineCommand({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  summary: "Remove one or more images",
  args: { kind: "at-least", count: 1 },
  flags: {
    force: bool({ short: "f", help: "Force removal of the image" }),
    "no-prune": bool({ help: "Do not delete untagged parents" }),
    platform: list({
      type: "strings",
      help: 'Remove only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    }),
  },
  completeArgs: "images",
  async run(context, { flags, args }) {
    const options = {
      force: flags.force,
      noPrune: flags["no-prune"],
      ...platformsFlag(flags.platform, context.io),
    };
    const engine = await context.engine();
    const failures: string[] = [];
    let allMissing = true;
    for (const name of args) {
      try {
        context.io.stdout.write(await removed(engine, name, options));
      } catch (error) {
        if (isKind(error, "canceled")) throw error;
        allMissing &&= isKind(error, "not-found");
        failures.push(await describeFailure(error));
      }
    }
    if (failures.length === 0) return 0;
    if (!(flags.force && allMissing)) throw new EngineError("internal", failures.join("\n"));
    context.io.stderr.write(`${failures.join("\n")}\n`);
    return 0;
  },
});

async function removed(engine: EngineClient, name: string, options: images.RemoveOptions): Promise<string> {
  const items = await images.remove(engine, name, options);
  return items.map(({ Deleted, Untagged }) => (Deleted ? `Deleted: ${Deleted}\n` : `Untagged: ${Untagged}\n`)).join("");
}
