import { familiarReference, parseReference, withDefaultTag } from "#api/distribution";
import type { ContainerConfig, ImageConfig } from "#api/engine";
import { applyChanges, type ImageID } from "#core/images";
import type { Container, ContainerID } from "./container.ts";
import type { CommitRequest } from "./containers.ts";
import { type Context, emit } from "./context.ts";
import { commitWhileDead, commitWhileRemoving } from "./errors.ts";
import { layerTar } from "./layer-tar.ts";
import { mergeConfig } from "./merge-config.ts";
import { pause, unpause } from "./pause.ts";

/** The verb `commit`. Whatever comes of it, a container that was frozen for it runs on. */
export async function commit(context: Context, reference: string, request: CommitRequest): Promise<ImageID> {
  const name = request.reference && familiarReference(withDefaultTag(parseReference(request.reference)));
  const container = context.store.resolve(reference);
  const { id } = container;
  refuseCommit(container);
  await using undo = new AsyncDisposableStack();
  // As with Docker before the options are looked at: who asks for a moment gets this one.
  if (request.pause && container.state.status === "running") await freeze(context, id, undo);
  const config = imageConfig(request, container.config);
  const image = await context.images.commit(container.imageID, {
    layer: await layerTar(context, id, request.signal),
    config,
    command: container.config.Cmd ?? [],
    author: request.author,
    message: request.comment,
    container: id,
    ...(name ? { reference: name } : {}),
    ...(request.signal ? { signal: request.signal } : {}),
  });
  emit(context, "commit", context.store.get(id), {
    comment: request.comment,
    imageID: image,
    imageRef: name ?? "",
  });
  return image;
}

function refuseCommit({ id, state }: Container): void {
  if (state.status === "removing") throw commitWhileRemoving(id);
  if (state.status === "dead") throw commitWhileDead(id);
}

/** One that cannot be frozen, because it ended or somebody else just froze it, is read as it is. */
async function freeze(context: Context, id: ContainerID, undo: AsyncDisposableStack): Promise<void> {
  const frozen = await pause(context, id).then(
    () => true,
    () => false,
  );
  if (frozen) undo.defer(() => unpause(context, id).catch(() => undefined));
}

/** The instructions act on what was sent with the request, or else on the container's own config; what is missing comes from that. */
function imageConfig({ config, changes }: CommitRequest, own: ContainerConfig): ImageConfig {
  const changed = applyChanges(changes, pick(config ?? own));
  return pick(mergeConfig(changed, own));
}

const FIELDS = [
  "User",
  "ExposedPorts",
  "Env",
  "Cmd",
  "Entrypoint",
  "Shell",
  "OnBuild",
  "Volumes",
  "WorkingDir",
  "Labels",
  "StopSignal",
  "Healthcheck",
  "ArgsEscaped",
] as const satisfies readonly (keyof ContainerConfig & keyof ImageConfig)[];

/** What of a container's config an image has. Having no labels is having none. */
function pick(config: ContainerConfig): ImageConfig {
  const { Labels: labels, ...kept } = Object.fromEntries(
    FIELDS.flatMap((field) => (config[field] == null ? [] : [[field, config[field]]])),
  ) as ImageConfig;
  return { ...kept, ...(labels && Object.keys(labels).length > 0 ? { Labels: labels } : {}) };
}
