import { familiarReference, parseReference, type Reference, repositoryOf, withDefaultTag } from "#api/distribution";
import { type EngineClient, images } from "#client";
import { EngineError } from "#lib/errors";
import type { Context } from "../../context.ts";
import type { Output } from "../../io.ts";
import { showProgress } from "../../progress/messages.ts";

export interface PullCall {
  readonly image: string;
  readonly platform: string;
  readonly quiet: boolean;
  readonly output: Output;
  readonly allTags?: boolean;
  /** Say which tag a name without one means. */
  readonly tellTag?: boolean;
}

/** Pulls an image and shows how it goes. Gives the name that was pulled in its full form. */
export async function pullImage(context: Context, engine: EngineClient, call: PullCall): Promise<string> {
  const parsed = parseReference(call.image);
  if (call.allTags === true && (parsed.tag !== undefined || parsed.digest !== undefined)) {
    throw new EngineError("invalid-parameter", "tag can't be used with --all-tags/-a");
  }
  const reference = call.allTags === true ? parsed : withDefaultTag(parsed);
  const isDefaultTag = call.allTags !== true && parsed.tag === undefined && parsed.digest === undefined;
  if (call.tellTag === true && isDefaultTag && !call.quiet) {
    call.output.write(`Using default tag: ${reference.tag}\n`);
  }
  const auth = registryAuth(context, reference);
  const messages = images.pull(engine, {
    fromImage: fromImage(reference),
    tag: reference.digest ?? reference.tag ?? "",
    platform: call.platform,
    ...(auth === undefined ? {} : { registryAuth: auth }),
  });
  const silent: Output = { ...call.output, isTerminal: false, write: () => undefined };
  await showProgress(messages, { io: context.io, output: call.quiet ? silent : call.output });
  return `${repositoryOf(reference)}${reference.digest === undefined ? `:${reference.tag}` : `@${reference.digest}`}`;
}

function fromImage(reference: Reference): string {
  return familiarReference({ domain: reference.domain, path: reference.path });
}

const HUB = "https://index.docker.io/v1/";

/** The credentials that the configuration file holds for the image's registry, in the form that the engine takes. */
function registryAuth(context: Context, reference: Reference): string | undefined {
  const registry = reference.domain === "docker.io" ? HUB : reference.domain;
  const entry = context.config().auths?.[registry];
  if (entry?.auth === undefined || entry.auth === "") return undefined;
  const [username = "", ...password] = Buffer.from(entry.auth, "base64").toString("utf8").split(":");
  const fields = { username, password: password.join(":"), serveraddress: registry };
  const identity = entry.identitytoken === undefined ? {} : { identitytoken: entry.identitytoken };
  return Buffer.from(JSON.stringify({ ...fields, ...identity })).toString("base64url");
}
