import { containers } from "#client";
import { EngineError } from "#lib/errors";
import { defineCommand } from "../../command.ts";
import { string } from "../../flags/flag.ts";
import { NewFile } from "../../new-file.ts";
import { interruptible } from "../../progress/transfer.ts";

export const exportFiles = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  summary: "Export a container's filesystem as a tar archive",
  args: { kind: "exactly", count: 1 },
  flags: { output: string({ short: "o", help: "Write to a file, instead of STDOUT" }) },
  completeArgs: "containers",
  completeFlags: { output: "files" },
  async run({ io, engine }, { flags, args }) {
    if (flags.output === "" && io.stdout.isTerminal) {
      throw new EngineError(
        "invalid-parameter",
        "cowardly refusing to save to a terminal. Use the -o flag or redirect",
      );
    }
    const client = await engine();
    await interruptible(io, async (signal) => {
      const archive = await containers.exportFiles(client, args[0]!, { signal });
      using file = flags.output === "" ? undefined : new NewFile(flags.output, "failed to export container");
      for await (const bytes of archive) {
        if (file === undefined) await io.stdout.writeAsync(bytes);
        else file.write(bytes);
      }
      file?.commit();
    });
  },
});
