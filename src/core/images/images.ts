import type { Digest } from "#api/oci";
import { type ChainID, chainIDOf } from "#core/snapshots";
import { EngineError } from "#lib/errors";
import { seedBuiltin } from "./builtin.ts";
import type { ImagesContext, ImagesOptions } from "./context.ts";
import { noSuchImage } from "./errors.ts";
import { imageHistory } from "./history.ts";
import type { Image, ImageID, Images, LocalImages } from "./image.ts";
import { importImage } from "./import.ts";
import { listImages } from "./list.ts";
import { loadImages } from "./load.ts";
import { findImage, getImage, presentImage } from "./lookup.ts";
import { pruneImages } from "./prune.ts";
import { ImageRecords } from "./records.ts";
import { removeImage } from "./remove.ts";
import { saveImages } from "./save.ts";
import { tagImage } from "./tag.ts";

/** The images of this engine, with their records in the database and their bytes in the content store. */
export function createImages({ database, ...options }: ImagesOptions): LocalImages {
  const records = new ImageRecords(database);
  const context: ImagesContext = { ...options, records, pendingChains: new Map() };
  return { ...userVerbs(context), ...engineVerbs(context) };
}

function userVerbs(context: ImagesContext): Images {
  const { records } = context;
  return {
    list: async ({ filters }) => listImages(context, filters),
    get: async (reference) => present(context, getImage(records, reference)),
    find: async (reference) => {
      const id = findImage(records, reference);
      return id && present(context, id);
    },
    prepare: async (id) => void (await context.snapshots.prepareChain(diffIDsOf(context, id))),
    tag: async (reference, target) => tagImage(context, reference, target),
    remove: async (reference, { force }) => removeImage(context, reference, force),
    load: (archive, loadOptions) => loadImages(context, archive, loadOptions),
    save: (references) => saveImages(context, references),
    import: (tar, importOptions) => importImage(context, tar, importOptions),
    history: async (reference) => imageHistory(context, reference),
    prune: async ({ filters }) => pruneImages(context, filters),
    layersSize: async () => records.layerBytes(),
    commit: () => notYet("commit"),
    pull: () => notYet("pull"),
    push: () => notYet("push"),
    remoteManifest: () => notYet("ask a registry"),
  };
}

function engineVerbs(context: ImagesContext): Omit<LocalImages, keyof Images> {
  const { records } = context;
  return {
    seed: (builtin) => seedBuiltin(context, builtin),
    forgetRemoved() {
      for (const id of records.removed()) if (context.containersUsing(id).length === 0) records.forget(id);
    },
    isKnown: (id) => records.find(id)?.removed === false,
    usesBlob: (digest: Digest) => records.usesBlob(digest),
    usedChains: () => new Set<ChainID>([...records.chains().map(chainIDOf), ...context.pendingChains.keys()]),
  };
}

function present({ records }: ImagesContext, id: ImageID): Image {
  const record = records.find(id);
  if (!record) throw noSuchImage(id);
  return presentImage(records, record);
}

function diffIDsOf({ records }: ImagesContext, id: ImageID) {
  const record = records.find(id);
  if (!record) throw noSuchImage(id);
  return record.document.rootfs.diff_ids;
}

function notYet(verb: string): never {
  throw new EngineError("not-implemented", `${verb}: not yet`);
}
