import { defineCommand } from "../../command.ts";
import { formatSize } from "../../values/sizes.ts";
import { absoluteFlags, registryFlags } from "./_flags.ts";

export const gc = defineCommand({
  usage: "[OPTIONS]",
  summary: "Collect garbage of a registry that does not run",
  details: `Removes what retention rules do not keep and what nothing has referred to for the time of grace. A registry that
runs does so by itself; SIGUSR2 lets it do so at once.`,
  args: { kind: "none" },
  flags: registryFlags,
  async run(context, { flags }) {
    const registry = await context.io.registry();
    const { tags, manifests, blobs, bytes, uploads } = await registry.collect(absoluteFlags(context, flags));
    const counts = { tags, manifests, blobs, uploads };
    const lines = Object.entries(counts).map(([what, count]) => `Removed ${what}: ${count}\n`);
    context.io.stdout.write(`${lines.join("")}Total reclaimed space: ${formatSize(bytes, 4)}\n`);
  },
});
