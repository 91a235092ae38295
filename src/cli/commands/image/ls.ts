import { type Filters, images } from "#client";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import type { Context } from "../../context.ts";
import { bool } from "../../flags/flag.ts";
import { filterFlag, formatFlag, toFilters } from "../../flags/format.ts";
import { styleFor } from "../../format/explain/style.ts";
import { writeFormatted } from "../../format/formatter.ts";
import { imageTree } from "../../format/image-tree.ts";
import { imageFormatter, imageRows } from "../../format/images.ts";

/** Flags that say how a table looks. */
const TABLE_FLAGS = ["digests", "format", "no-trunc", "quiet"] as const;

export const ls = defineCommand({
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  summary: "List images",
  args: { kind: "at-most", count: 1 },
  flags: {
    all: bool({ short: "a", help: "Show all images (default hides intermediate images)" }),
    digests: bool({ help: "Show digests" }),
    filter: filterFlag("Filter output based on conditions provided", "f"),
    format: formatFlag(),
    "no-trunc": bool({ help: "Don't truncate output" }),
    quiet: bool({ short: "q", help: "Only show image IDs" }),
    tree: bool({ help: "List images with the platforms that they are made for" }),
  },
  completeArgs: "images",
  async run(context, { flags, args, given }) {
    const { io } = context;
    const asked = toFilters(flags.filter);
    const filters = args[0] === undefined ? asked : new Map([...asked, ["reference", [args[0]]]]);
    if (flags.tree) {
      const unfit = TABLE_FLAGS.find((name) => given(name));
      if (unfit !== undefined) throw new EngineError("invalid-parameter", `--${unfit} is not supported with --tree`);
      return showTree(context, { all: flags.all, filters });
    }
    const list = await images.list(await context.engine(), { all: flags.all, filters });
    const format = flags.format || (flags.quiet ? "" : (context.config().imagesFormat ?? ""));
    const digests = flags.digests || /\.Digest\b/.test(format);
    const formatter = imageFormatter({ truncate: !flags["no-trunc"], digests: flags.digests, nowMs: io.now() });
    const rows = imageRows(list, { digests });
    await writeFormatted(io.stdout, formatter, rows, { format, quiet: flags.quiet });
  },
});

async function showTree(context: Context, options: { all: boolean; filters: Filters }): Promise<void> {
  const found = await images.list(await context.engine(), { ...options, manifests: true });
  const shown = options.all ? found : found.filter(({ RepoTags: tags }) => (tags ?? []).length > 0);
  context.io.stdout.write(imageTree(shown, styleFor(context.io, { truncate: true })));
}
