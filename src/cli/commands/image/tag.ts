import { familiarName, parseReference, withDefaultTag } from "#api/distribution";
import { images } from "#client";
import { EngineError, messageOf } from "#lib/errors";
import { quote } from "#lib/template";
import { defineCommand } from "../../command.ts";

export const tag = defineCommand({
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  args: { kind: "exactly", count: 2 },
  flags: {},
  completeArgs: "images",
  async run(context, { args }) {
    const [source = "", target = ""] = args;
    const { repo, tag: name } = parseTarget(target);
    await images.tag(await context.engine(), source, { repo, tag: name });
  },
});

function parseTarget(target: string): { repo: string; tag: string } {
  let reference: ReturnType<typeof parseReference>;
  try {
    reference = withDefaultTag(parseReference(target));
  } catch (cause) {
    const message = `Error parsing reference: ${quote(target)} is not a valid repository/tag: ${messageOf(cause)}`;
    throw new EngineError("invalid-parameter", message, { cause });
  }
  if (reference.digest !== undefined) {
    throw new EngineError("invalid-parameter", "refusing to create a tag with a digest reference");
  }
  return { repo: familiarName(reference), tag: reference.tag ?? "" };
}
