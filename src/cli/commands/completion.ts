import { EngineError } from "#lib/errors";
import { defineCommand } from "../command.ts";
import bash from "../completion/tug.bash" with { type: "text" };
import fish from "../completion/tug.fish" with { type: "text" };
import zsh from "../completion/tug.zsh" with { type: "text" };

/** Each script asks `tug __complete` for the words, so that what is offered is what this very program accepts. */
const SCRIPTS: Readonly<Record<string, string>> = { bash, zsh, fish };
const SHELLS = Object.keys(SCRIPTS);

export const completion = defineCommand({
  usage: "SHELL",
  summary: "Generate the autocompletion script for the specified shell",
  details: `SHELL is one of bash, zsh and fish. To load completions:

  bash:  source <(tug completion bash)
  zsh:   source <(tug completion zsh)
  fish:  tug completion fish | source`,
  args: { kind: "exactly", count: 1 },
  flags: {},
  completeArgs: SHELLS,
  async run(context, { args }) {
    const script = SCRIPTS[args[0]!];
    if (script === undefined) {
      throw new EngineError("invalid-parameter", `unknown shell "${args[0]}": must be one of ${SHELLS.join(", ")}`);
    }
    context.io.stdout.write(script);
  },
});
