import type { Digest } from "#api/oci";
import { type ChainID, chainIDOf } from "#core/snapshots";
import { SharedWork, Slots } from "#lib/async";
import { seedBuiltin } from "./builtin.ts";
import { commitImage } from "./commit.ts";
import { COMPRESSED_KEPT_MS, COMPRESSED_LIMIT_BYTES } from "./compress/compress-layer.ts";
import { type ImagesContext, type ImagesOptions, type LayerProgress, nowMsOf } from "./context.ts";
import { imageDiskUsage } from "./disk-usage.ts";
import { noSuchImage } from "./errors.ts";
import type { LayerForm } from "./form-records.ts";
import { imageHistory } from "./history.ts";
import type { Image, ImageGetOptions, ImageID, Images, LocalImages } from "./image.ts";
import { importImage } from "./import.ts";
import { listImages } from "./list.ts";
import { loadImages } from "./load.ts";
import { findHolding, findImage, getImage, presentImage } from "./lookup.ts";
import { manifestSummaries } from "./manifest-summary.ts";
import { pruneImages } from "./prune.ts";
import { pullImage } from "./pull.ts";
import { KEPT_LAYERS_LIMIT_BYTES } from "./pull-layer.ts";
import { pushImage } from "./push.ts";
import { ImageRecords, type StoredLayer } from "./records.ts";
import { remoteManifest } from "./remote-manifest.ts";
import { removeImage } from "./remove.ts";
import { saveImages } from "./save.ts";
import { tagImage } from "./tag.ts";

/** The images of this engine, with their records in the database and their bytes in the content store. */
export function createImages({ database, ...options }: ImagesOptions): LocalImages {
  const records = new ImageRecords(database, options.platform);
  const transfers = {
    downloads: new Slots(() => options.registries.settings.maxConcurrentDownloads),
    uploads: new Slots(() => options.registries.settings.maxConcurrentUploads),
    layers: new SharedWork<StoredLayer, LayerProgress>(),
    compressions: new SharedWork<LayerForm, never>(),
  };
  const context: ImagesContext = { ...options, records, transfers, pendingChains: new Map() };
  return { ...userVerbs(context), ...engineVerbs(context) };
}

function userVerbs(context: ImagesContext): Images {
  const { records } = context;
  return {
    list: (options) => listImages(context, options),
    get: async (reference, options = {}) => await presentFound(context, reference, options),
    find: async (reference) => (findImage(records, reference) ? await presentFound(context, reference, {}) : undefined),
    prepare: async (id) => void (await context.snapshots.prepareChain(diffIDsOf(context, id))),
    tag: async (reference, target) => tagImage(context, reference, target),
    remove: async (reference, options) => removeImage(context, reference, options),
    load: (archive, loadOptions) => loadImages(context, archive, loadOptions),
    save: (references, { platforms } = {}) => saveImages(context, references, platforms),
    import: (tar, importOptions) => importImage(context, tar, importOptions),
    history: async (reference, options = {}) => imageHistory(context, reference, options.platform),
    prune: async ({ filters }) => pruneImages(context, filters),
    diskUsage: () => imageDiskUsage(context),
    commit: (base, options) => commitImage(context, base, options),
    pull: (reference, options) => pullImage(context, reference, options),
    push: (reference, options) => pushImage(context, reference, options),
    remoteManifest: (reference, options) => remoteManifest(context, reference, options),
  };
}

function engineVerbs(context: ImagesContext): Omit<LocalImages, keyof Images> {
  const { records } = context;
  return {
    seed: (builtin) => seedBuiltin(context, builtin),
    forgetRemoved() {
      for (const id of records.removed()) if (context.containersUsing(id).length === 0) records.forget(id);
      const nowMs = nowMsOf(context);
      records.transaction(() => {
        records.expireLayers({ nowMs, limitBytes: KEPT_LAYERS_LIMIT_BYTES });
        records.forms.trimCache({ usedSinceMs: nowMs - COMPRESSED_KEPT_MS, limitBytes: COMPRESSED_LIMIT_BYTES });
      });
    },
    isKnown: (id) => records.find(id)?.removed === false,
    usesBlob: (digest: Digest) => records.usesBlob(digest),
    usedChains: () => new Set<ChainID>([...records.chains().map(chainIDOf), ...context.pendingChains.keys()]),
  };
}

async function presentFound(
  context: ImagesContext,
  reference: string,
  { platform, manifests }: ImageGetOptions,
): Promise<Image> {
  const { records } = context;
  const record = records.find(getImage(records, reference, platform));
  if (!record) throw noSuchImage(reference);
  const image = presentImage(records, record, findHolding(records, reference)?.name?.target);
  return manifests ? { ...image, manifests: await manifestSummaries(context, image) } : image;
}

function diffIDsOf({ records }: ImagesContext, id: ImageID) {
  const record = records.find(id);
  if (!record) throw noSuchImage(id);
  return record.document.rootfs.diff_ids;
}
