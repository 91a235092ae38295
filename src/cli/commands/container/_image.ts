/** How `create` and `run` come by an image: create, and pull when the engine does not have it. */
import { familiarReference, parseDigestOrReference, parseReference, withDefaultTag } from "#api/distribution";
import { containers, type EngineClient } from "#client";
import { EngineError, isKind } from "#lib/errors";
import type { Context } from "../../context.ts";
import { formatPlatform, parsePlatform } from "../../values/platforms.ts";

export type PullPolicy = "always" | "missing" | "never";

export function parsePullPolicy(text: string): PullPolicy {
  if (text === "always" || text === "missing" || text === "never") return text;
  const message = `invalid pull option: '${text}': must be one of "always", "missing" or "never"`;
  throw new EngineError("invalid-parameter", message);
}

export interface CreateCall {
  readonly request: containers.ContainerCreateRequest;
  readonly name: string;
  readonly platform: string;
  readonly pull: PullPolicy;
  readonly quiet: boolean;
}

/** Creates the container and gives its ID; the engine's warnings go to stderr. */
export async function createContainer(context: Context, engine: EngineClient, call: CreateCall): Promise<string> {
  const { request, name } = call;
  const platform = choosePlatform(context, call.platform);
  const image = request.Image ?? "";
  parseDigestOrReference(image);
  const pull = async () => {
    // Whoever has the image need not load what pulls one.
    const { pullImage } = await import("../image/_pull.ts");
    await pullImage(context, engine, { image, platform, quiet: call.quiet, output: context.io.stderr });
  };
  if (call.pull === "always") await pull();
  const create = () => containers.create(engine, request, { name, platform });
  const created = await create().catch(async (error) => {
    if (call.pull !== "missing" || !isMissingImage(error, image)) throw error;
    if (!call.quiet) context.io.stderr.write(`Unable to find image '${shownName(image)}' locally\n`);
    await pull();
    return create();
  });
  for (const warning of created.Warnings ?? []) context.io.stderr.write(`WARNING: ${warning}\n`);
  return created.Id;
}

/** The flag's, or the environment's, in the form that engines know; empty for whatever the engine prefers. */
function choosePlatform({ io }: Context, given: string): string {
  const text = given || (io.env.DOCKER_DEFAULT_PLATFORM ?? "");
  return text === "" ? "" : formatPlatform(parsePlatform(text, io.arch));
}

function isMissingImage(error: unknown, image: string): boolean {
  return (
    isKind(error, "not-found") &&
    image !== "" &&
    /No such image|does not match the specified platform/.test(error.message)
  );
}

function shownName(image: string): string {
  return familiarReference(withDefaultTag(parseReference(image)));
}
