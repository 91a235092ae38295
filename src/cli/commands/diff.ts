import { containers, imageFiles } from "#client";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { bool, string } from "../flags/flag.ts";
import { comparisonText } from "../format/explain/comparison.ts";
import { styleFor } from "../format/explain/style.ts";
import { platformFlag } from "./image/_platform.ts";

export const diff = defineCommand({
  usage: "[OPTIONS] CONTAINER | IMAGE1 IMAGE2",
  summary: "Inspect changes to files on a container's filesystem, or between two images",
  details: `With one argument: what a container changed (A added, C changed, D deleted).
With two: which layers two images share, which files and settings differ.`,
  args: { kind: "between", least: 1, most: 2 },
  flags: {
    json: bool({ help: "Print the differences as JSON" }),
    "no-trunc": bool({ help: "Show every difference between images" }),
    platform: string({ help: 'Compare the images for the given platform (e.g., "linux/amd64")' }),
  },
  completeArgs: "containers",
  async run(context, { flags, args }) {
    const [first = "", second] = args;
    if (second === undefined) return await containerChanges(context, first, flags.json);
    const { io } = context;
    const images = await imageFiles.compare(await context.engine(), first, second, platformFlag(flags.platform, io));
    if (flags.json) io.stdout.write(`${JSON.stringify(images, undefined, 2)}\n`);
    else io.stdout.write(comparisonText(images, [first, second], styleFor(io, { truncate: !flags["no-trunc"] })));
  },
});

/** By the numbers of the API. */
const KINDS = ["C", "A", "D"];

async function containerChanges({ io, engine }: Context, container: string, json: boolean): Promise<void> {
  if (container.trim() === "") throw new EngineError("invalid-parameter", "Container name cannot be empty");
  const changes = (await containers.changes(await engine(), container)) ?? [];
  if (json) io.stdout.write(`${JSON.stringify(changes, undefined, 2)}\n`);
  else io.stdout.write(changes.map(({ Kind, Path }) => `${KINDS[Kind] ?? "?"} ${Path}\n`).join(""));
}
