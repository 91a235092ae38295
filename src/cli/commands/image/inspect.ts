import { images } from "#client";
import { defineCommand } from "../../command.ts";
import { string } from "../../flags/flag.ts";
import { inspectFormatFlag } from "../../flags/format.ts";
import { inspectEach } from "../_inspect.ts";
import { platformFlag } from "./_platform.ts";

export const inspect = defineCommand({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  summary: "Display detailed information on one or more images",
  args: { kind: "at-least", count: 1 },
  flags: {
    format: inspectFormatFlag(),
    platform: string({
      help: `Inspect a specific platform of the multi-platform image.
If the image or the server is not multi-platform capable, the command will error out if the platform does not match.
'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)`,
    }),
  },
  completeArgs: "images",
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const options = platformFlag(flags.platform, context.io);
    return inspectEach(context, {
      names: args,
      format: flags.format,
      find: (name) => images.inspect(engine, name, options),
    });
  },
});
