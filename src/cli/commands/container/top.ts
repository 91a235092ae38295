import { containers } from "#client";
import { alignTabs } from "#lib/term";
import { defineCommand } from "../../command.ts";

export const top = defineCommand({
  usage: "CONTAINER [ps OPTIONS]",
  summary: "Display the running processes of a container",
  args: { kind: "at-least", count: 1 },
  flags: {},
  stopAtFirstArgument: true,
  completeArgs: "running-containers",
  async run(context, { args }) {
    const [container = "", ...psOptions] = args;
    const { Titles: titles = [], Processes: processes = [] } = await containers.top(
      await context.engine(),
      container,
      psOptions.join(" "),
    );
    const rows = [titles, ...processes].map((row) => `${row.join("\t")}\n`);
    context.io.stdout.write(alignTabs(rows.join(""), { minWidth: 20, padding: 3 }));
  },
});
