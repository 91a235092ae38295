import type { SystemInfo } from "#api/engine";
import { system } from "#client";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { inspectFormatFlag } from "../../flags/format.ts";
import { goJson } from "../../format/formatter.ts";
import { infoText } from "../../format/info.ts";

export const info = defineCommand({
  usage: "[OPTIONS]",
  summary: "Display system-wide information",
  args: { kind: "none" },
  flags: { format: inspectFormatFlag() },
  async run(context, { flags }) {
    const { io } = context;
    const client = clientInfo(context);
    let server: SystemInfo | undefined;
    let failure: unknown;
    try {
      server = await system.info(await context.engine());
    } catch (error) {
      failure = error;
    }
    if (flags.format === "json") io.stdout.write(`${goJson({ ...server, ClientInfo: client })}\n`);
    else if (flags.format !== "") {
      const { renderTemplate } = await import("../../format/template-format.ts");
      const template = { name: "", type: "system.dockerInfo", format: flags.format };
      const { text, fault } = renderTemplate(template, { ...server, ClientInfo: client });
      io.stdout.write(`${text}\n`);
      if (fault !== undefined) throw fault;
    } else io.stdout.write(infoText(client, server));
    for (const warning of server?.Warnings ?? []) io.stderr.write(`${warning}\n`);
    if (failure !== undefined) throw failure;
  },
});

function clientInfo(context: Context) {
  return { Version: context.io.release.version, Context: context.contextName(), Debug: context.debug };
}
