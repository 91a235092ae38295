import { isKind } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { createFlags, imageFlags } from "../../create/flags.ts";
import { createRequest } from "../../create/request.ts";
import { Cidfile, surroundings } from "./_create.ts";
import { createContainer, parsePullPolicy } from "./_image.ts";

const EXIT_ENGINE = 125;

export const create = defineCommand({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  summary: "Create a new container",
  args: { kind: "at-least", count: 1 },
  flags: { ...createFlags, ...imageFlags },
  stopAtFirstArgument: true,
  completeArgs: "images",
  completeFlags: { pull: ["always", "missing", "never"], network: "networks", "volumes-from": "containers" },
  async run(context, { flags, args, given }) {
    const [image = "", ...command] = args;
    const { name, platform, quiet } = flags;
    let request: ReturnType<typeof createRequest>;
    let pull: ReturnType<typeof parsePullPolicy>;
    try {
      pull = parsePullPolicy(flags.pull);
      request = createRequest({ flags, given, image, command }, await surroundings(context));
    } catch (error) {
      if (!isKind(error, "invalid-parameter")) throw error;
      const program = context.commandPath.split(" ")[0];
      const advice = `Run '${context.commandPath} --help' for more information`;
      context.io.stderr.write(`${program}: ${error.message}\n\n${advice}\n`);
      return EXIT_ENGINE;
    }
    using cidfile = new Cidfile(flags.cidfile);
    const id = await createContainer(context, await context.engine(), { request, name, platform, pull, quiet });
    cidfile.write(id);
    context.io.stdout.write(`${id}\n`);
    return 0;
  },
});
