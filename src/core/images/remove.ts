import { formatReference, parseReference, type Reference, repositoryOf } from "#api/distribution";
import { chainIDOf } from "#core/snapshots";
import type { ImagesContext } from "./context.ts";
import { imageInUse, nameInUse, shortID } from "./errors.ts";
import type { DeletedImage, ImageID, ImageRemoveOptions } from "./image.ts";
import { emitImageEvent } from "./image-event.ts";
import { familiar, getImage, isPrefixOf, lookupForm } from "./lookup.ts";
import type { ImageName } from "./records.ts";

/** What stands in the way of a removal. Of the second kind, force helps. */
interface Conflicts {
  readonly names: boolean;
  readonly stoppedContainers: boolean;
}

interface NamedRemoval {
  /** As it was typed. */
  readonly reference: string;
  readonly name: Reference;
  /** Those of the name's images that go. */
  readonly ids: readonly ImageID[];
  readonly force: boolean;
}

/**
 * The verb `remove`. A name is taken away, and an image with its last one; an ID means the image with its names, if
 * these are no more than one tag and the digests of its repository. Of a name's images only those for `platforms` go, if any are
 * given. All of it happens in one turn, so that no container can be made of an image while it goes.
 */
export function removeImage(
  context: ImagesContext,
  reference: string,
  { force, platforms }: Pick<ImageRemoveOptions, "force" | "platforms">,
): DeletedImage[] {
  const { records } = context;
  const id = getImage(records, reference);
  const chosen = platforms && new Set(platforms.map((platform) => getImage(records, reference, platform)));
  return inOneTurn(context, (inside) => {
    if (isPrefixOf(id, reference)) return removeByID(inside, id, force);
    const name = lookupForm(parseReference(reference));
    const ids = records.imagesOf(formatReference(name)).map((image) => image.id);
    return removeByName(inside, { reference, name, ids: [...(chosen ?? new Set(ids))], force });
  });
}

/** Takes one image away from one of its names, and the image with its last one. */
export function removeFromName(context: ImagesContext, reference: string, id: ImageID): DeletedImage[] {
  const name = lookupForm(parseReference(reference));
  return inOneTurn(context, (inside) => removeByName(inside, { reference, name, ids: [id], force: false }));
}

function inOneTurn(context: ImagesContext, body: (inside: ImagesContext) => DeletedImage[]): DeletedImage[] {
  // What a failed transaction undid has not happened.
  const happened: Parameters<ImagesContext["events"]["emit"]>[0][] = [];
  const inside: ImagesContext = { ...context, events: { emit: (event) => void happened.push(event) } };
  const deleted = context.records.transaction(() => body(inside));
  for (const event of happened) context.events.emit(event);
  if (deleted.some((record) => record.Deleted !== undefined)) context.garbage();
  return deleted;
}

function removeByID(context: ImagesContext, id: ImageID, force: boolean): DeletedImage[] {
  const names = context.records.names(id);
  if (!isSingleReference(names)) {
    refuseConflicts(context, id, { names: !force, stoppedContainers: !force });
    return deleteImage(context, id);
  }
  refuseConflicts(context, id, { names: false, stoppedContainers: !force });
  return deleteImage(context, id);
}

function removeByName(context: ImagesContext, { reference, name, ids, force }: NamedRemoval): DeletedImage[] {
  for (const id of ids) {
    const [user] = context.containersUsing(id);
    if (!force && user && isSingleReference(context.records.names(id))) {
      throw nameInUse({ reference, containerID: user.id, imageID: id });
    }
  }
  const untagged = ids.flatMap((id) => untag(context, id, formatReference(name)));
  const lonely =
    name.digest === undefined ? ids.flatMap((id) => untagLonelyDigests(context, id, repositoryOf(name))) : [];
  return [...untagged, ...lonely, ...ids.flatMap((id) => deleteUnnamed(context, id, force))];
}

/** A digest of a repository goes with the last tag of it. Docker has one event for both. */
function untagLonelyDigests(context: ImagesContext, id: ImageID, repository: string): DeletedImage[] {
  const left = context.records.names(id).filter((name) => name.repository === repository);
  if (left.some((name) => !name.isDigest)) return [];
  return left.flatMap((name) => detach(context, id, name.name));
}

function deleteUnnamed(context: ImagesContext, id: ImageID, force: boolean): DeletedImage[] {
  const isKept =
    context.records.names(id).length > 0 || conflictOf(context, id, { names: true, stoppedContainers: !force });
  return isKept ? [] : deleteImage(context, id);
}

function untag(context: ImagesContext, id: ImageID, name: string): DeletedImage[] {
  emitImageEvent(context, id, "untag");
  return detach(context, id, name);
}

/** The name goes with the last of its images. */
function detach({ records }: ImagesContext, id: ImageID, name: string): DeletedImage[] {
  records.removeFromName(name, id);
  return records.findName(name) ? [] : [{ Untagged: familiar(name) }];
}

/** Removes the image and all its names. Layers that stopped containers need stay until these are gone. */
function deleteImage(context: ImagesContext, id: ImageID): DeletedImage[] {
  const { records } = context;
  const untagged = records.names(id).flatMap((name) => untag(context, id, name.name));
  emitImageEvent(context, id, "delete");
  const diffIDs = records.layers(id).map((layer) => layer.diffID);
  if (context.containersUsing(id).length > 0) {
    records.hide(id);
    return [...untagged, { Deleted: id }];
  }
  const gone = new Set(records.forget(id).map((layer) => layer.diffID));
  // From the top down, named by the chain that ended in the layer.
  const chains = diffIDs.flatMap((diffID, index) => (gone.has(diffID) ? [chainIDOf(diffIDs.slice(0, index + 1))] : []));
  return [...untagged, { Deleted: id }, ...chains.reverse().map((chain) => ({ Deleted: chain }))];
}

function refuseConflicts(context: ImagesContext, id: ImageID, soft: Conflicts): void {
  const conflict = conflictOf(context, id, soft);
  if (conflict) throw imageInUse(id, conflict);
}

function conflictOf(
  context: ImagesContext,
  id: ImageID,
  soft: Conflicts,
): { hard: boolean; reason: string } | undefined {
  const users = context.containersUsing(id);
  const running = users.find((user) => user.isRunning);
  if (running) return { hard: true, reason: `image is being used by running container ${shortID(running.id)}` };
  if (soft.names && context.records.names(id).length > 0) {
    return { hard: false, reason: "image is referenced in multiple repositories" };
  }
  const stopped = users[0];
  if (soft.stoppedContainers && stopped) {
    return { hard: false, reason: `image is being used by stopped container ${shortID(stopped.id)}` };
  }
  return undefined;
}

/** At most one tag, and all names in one repository; an image without a name has no single one. */
function isSingleReference(names: readonly ImageName[]): boolean {
  const tags = names.filter((name) => !name.isDigest);
  const repositories = new Set(names.map((name) => name.repository));
  return names.length > 0 && tags.length <= 1 && repositories.size === 1;
}
