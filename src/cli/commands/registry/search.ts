import { registries } from "#client";
import { defineCommand } from "../../command.ts";
import { registryAuth } from "../../credentials/stores.ts";
import { bool, int, string } from "../../flags/flag.ts";
import { filterFlag, toFilters } from "../../flags/format.ts";
import { writeFormatted } from "../../format/formatter.ts";
import { searchFormatter } from "../../format/search.ts";

export const search = defineCommand({
  usage: "[OPTIONS] TERM",
  summary: "Search Docker Hub for images",
  details: "A TERM that begins with the host of another registry (HOST[:PORT]/TERM) searches that one.",
  args: { kind: "exactly", count: 1 },
  flags: {
    filter: filterFlag("Filter output based on conditions provided", "f"),
    format: string({ help: "Pretty-print search using a Go template" }),
    limit: int({ help: "Max number of search results" }),
    "no-trunc": bool({ help: "Don't truncate output" }),
  },
  async run(context, { flags, args }) {
    const term = args[0] ?? "";
    const auth = await registryAuth(context, domainOf(term));
    const found = await registries.search(await context.engine(), term, {
      limit: flags.limit,
      filters: toFilters(flags.filter),
      registryAuth: auth,
    });
    const formatter = searchFormatter({ truncate: !flags["no-trunc"] });
    await writeFormatted(context.io.stdout, formatter, found, { format: flags.format, quiet: false });
  },
});

/** The registry that the term names, by the same rule as for images. */
function domainOf(term: string): string {
  const first = term.split("/", 1)[0] ?? "";
  return first !== term && (/[.:]/.test(first) || first === "localhost") ? first : "docker.io";
}
