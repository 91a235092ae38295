import { system } from "#client";
import { formatNano } from "#lib/time";
import { defineCommand } from "../../command.ts";
import { string } from "../../flags/flag.ts";
import { filterFlag, inspectFormatHelp, toFilters } from "../../flags/format.ts";
import { goJson } from "../../format/formatter.ts";
import { toUnixTime } from "../../values/timestamps.ts";

export const events = defineCommand({
  usage: "[OPTIONS]",
  summary: "Get real time events from the server",
  args: { kind: "none" },
  flags: {
    filter: filterFlag("Filter output based on conditions provided", "f"),
    format: string({ help: inspectFormatHelp }),
    since: string({ help: "Show all events created since timestamp" }),
    until: string({ help: "Stream events until this timestamp" }),
  },
  async run(context, { flags }) {
    const { io } = context;
    const render = await renderer(flags.format);
    const stream = system.events(await context.engine(), {
      filters: toFilters(flags.filter),
      ...(flags.since === "" ? {} : { since: toUnixTime(flags.since, io.now()) }),
      ...(flags.until === "" ? {} : { until: toUnixTime(flags.until, io.now()) }),
    });
    for await (const event of stream) io.stdout.write(`${render(event)}\n`);
  },
});

async function renderer(format: string): Promise<(event: system.Event) => string> {
  if (format === "") return plainLine;
  if (format === "json") return (event) => goJson(event);
  const { templateRenderer } = await import("../../format/template-format.ts");
  return templateRenderer(format);
}

/** `2026-11-21T00:52:08.003060729Z container create <id> (image=busybox, name=x)`. */
function plainLine(event: system.Event): string {
  const { Type: type, Action: action, Actor: actor = {}, time = 0, timeNano } = event;
  const stamp = formatNano(timeNano ?? BigInt(time) * 1_000_000_000n, { fixed: true });
  const attributes = Object.entries(actor.Attributes ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .sort();
  const suffix = attributes.length === 0 ? "" : ` (${attributes.join(", ")})`;
  return `${stamp} ${type} ${action} ${actor.ID ?? ""}${suffix}`;
}
