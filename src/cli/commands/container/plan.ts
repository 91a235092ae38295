import { parseDigestOrReference } from "#api/distribution";
import { containers } from "#client";
import { defineCommand } from "../../command.ts";
import { createFlags } from "../../create/flags.ts";
import { createRequest } from "../../create/request.ts";
import { surroundings } from "./_create.ts";

export const plan = defineCommand({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  summary: "Show what the kernel would be asked to do to run a container",
  details: `Takes the same options as 'run', creates nothing, and prints every step of the
plan that the engine's executor would carry out.`,
  args: { kind: "at-least", count: 1 },
  flags: createFlags,
  stopAtFirstArgument: true,
  completeArgs: "images",
  async run(context, { flags, args, given }) {
    const [image = "", ...command] = args;
    parseDigestOrReference(image);
    const request = createRequest({ flags, given, image, command }, await surroundings(context));
    for await (const bytes of await containers.plan(await context.engine(), request)) context.io.stdout.write(bytes);
  },
});
