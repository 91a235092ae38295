import { familiarName, formatReference, parseReference, withDefaultTag } from "#api/distribution";
import { type EngineClient, images } from "#client";
import { EngineError } from "#lib/errors";
import type { Context } from "../../context.ts";
import { registryAuth } from "../../credentials/stores.ts";
import type { Output } from "../../io.ts";
import { showTransfer } from "../../progress/transfer.ts";

export interface PullCall {
  readonly image: string;
  readonly platform: string;
  readonly quiet: boolean;
  readonly output: Output;
  readonly allTags?: boolean;
  readonly allPlatforms?: boolean;
  /** Say which tag a name without one means. */
  readonly tellTag?: boolean;
}

/** Pulls an image and shows how it goes. Gives the name that was pulled in its full form. */
export async function pullImage(context: Context, engine: EngineClient, call: PullCall): Promise<string> {
  const { output, quiet, allTags = false } = call;
  const parsed = parseReference(call.image);
  const isNameOnly = parsed.tag === undefined && parsed.digest === undefined;
  if (allTags && !isNameOnly) {
    throw new EngineError("invalid-parameter", "tag can't be used with --all-tags/-a");
  }
  const reference = allTags ? parsed : withDefaultTag(parsed);
  if (call.tellTag === true && isNameOnly && !allTags && !quiet) {
    output.write(`Using default tag: ${reference.tag}\n`);
  }
  const auth = await registryAuth(context, reference.domain);
  await showTransfer(context, { output, quiet }, (signal) =>
    images.pull(engine, {
      fromImage: familiarName(reference),
      tag: reference.digest ?? reference.tag ?? "",
      platform: call.platform,
      allPlatforms: call.allPlatforms ?? false,
      registryAuth: auth,
      signal,
    }),
  );
  return formatReference(reference);
}
