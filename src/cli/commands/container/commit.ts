import { containers } from "#client";
import { defineCommand } from "../../command.ts";
import { bool, list, string } from "../../flags/flag.ts";
import { splitTarget } from "../image/_target.ts";

export const commit = defineCommand({
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  summary: "Create a new image from a container's changes",
  args: { kind: "between", least: 1, most: 2 },
  flags: {
    author: string({ short: "a", help: 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")' }),
    change: list({ short: "c", help: "Apply Dockerfile instruction to the created image" }),
    message: string({ short: "m", help: "Commit message" }),
    pause: bool({ short: "p", default: true, help: "Pause container during commit" }),
  },
  completeArgs: "containers",
  async run(context, { flags, args }) {
    const [container = "", target] = args;
    const { repo, tag } = splitTarget(target);
    const id = await containers.commit(await context.engine(), container, {
      repo,
      tag,
      author: flags.author,
      comment: flags.message,
      changes: flags.change,
      pause: flags.pause,
    });
    context.io.stdout.write(`${id}\n`);
  },
});
