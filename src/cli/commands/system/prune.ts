import { containers, type EngineClient, images, networks, volumes } from "#client";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { bool } from "../../flags/flag.ts";
import { filterFlag, toFilters } from "../../flags/format.ts";
import { formatSize } from "../../values/sizes.ts";
import { confirm } from "../_confirm.ts";

export const prune = defineCommand({
  usage: "[OPTIONS]",
  summary: "Remove unused data",
  args: { kind: "none" },
  flags: {
    all: bool({ short: "a", help: "Remove all unused images not just dangling ones" }),
    filter: filterFlag('Provide filter values (e.g. "label=<key>=<value>")'),
    force: bool({ short: "f", help: "Do not prompt for confirmation" }),
    volumes: bool({ help: "Prune anonymous volumes" }),
  },
  async run(context, { flags }) {
    const filters = toFilters(flags.filter);
    if (flags.volumes && filters.has("until")) {
      throw new EngineError("invalid-parameter", 'ERROR: The "until" filter is not supported with "--volumes"');
    }
    if (!flags.force && !(await confirm(context, warning(flags.all, flags.volumes, flags.filter)))) return;
    const engine = await context.engine();
    let space = 0;
    for (const step of [pruneContainers, pruneNetworks, ...(flags.volumes ? [pruneVolumes] : []), pruneImages]) {
      const { title, lines, spaceReclaimed } = await step(engine, { filters, all: flags.all });
      space += spaceReclaimed;
      if (lines.length > 0) context.io.stdout.write(`${title}:\n${lines.map((line) => `${line}\n`).join("")}\n`);
    }
    context.io.stdout.write(`Total reclaimed space: ${formatSize(space, 4)}\n`);
  },
});

function warning(all: boolean, withVolumes: boolean, filters: readonly string[]): string {
  const lines = [
    "  - all stopped containers",
    "  - all networks not used by at least one container",
    ...(withVolumes ? ["  - all anonymous volumes not used by at least one container"] : []),
    all ? "  - all images without at least one container associated to them" : "  - all dangling images",
  ];
  const filtered = filters.map((filter) => `  - ${filter}`);
  const chosen = filtered.length === 0 ? "" : `\n  Items to be pruned will be filtered with:\n${filtered.join("\n")}\n`;
  return `WARNING! This will remove:\n${lines.join("\n")}\n${chosen}\nAre you sure you want to continue?`;
}

interface Scope {
  readonly filters: ReadonlyMap<string, readonly string[]>;
  readonly all: boolean;
}

interface Step {
  readonly title: string;
  readonly lines: readonly string[];
  readonly spaceReclaimed: number;
}

async function pruneContainers(engine: EngineClient, { filters }: Scope): Promise<Step> {
  const { deleted, spaceReclaimed } = await containers.prune(engine, filters);
  return { title: "Deleted Containers", lines: deleted, spaceReclaimed };
}

async function pruneNetworks(engine: EngineClient, { filters }: Scope): Promise<Step> {
  return { title: "Deleted Networks", lines: await networks.prune(engine, filters), spaceReclaimed: 0 };
}

async function pruneVolumes(engine: EngineClient, { filters }: Scope): Promise<Step> {
  const { deleted, spaceReclaimed } = await volumes.prune(engine, filters);
  return { title: "Deleted Volumes", lines: deleted, spaceReclaimed };
}

async function pruneImages(engine: EngineClient, { filters, all }: Scope): Promise<Step> {
  const scope = new Map([...filters, ["dangling", [String(!all)]]] as [string, readonly string[]][]);
  const { deleted, spaceReclaimed } = await images.prune(engine, scope);
  const lines = deleted.map(({ Deleted, Untagged }) => (Untagged ? `untagged: ${Untagged}` : `deleted: ${Deleted}`));
  return { title: "Deleted Images", lines, spaceReclaimed };
}
