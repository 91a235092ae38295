/** An index that is pulled whole: what of it becomes images, and what is kept as it is. */
import type { Descriptor } from "#api/oci";
import { Slots } from "#lib/async";
import { EngineError } from "#lib/errors";
import type { KeptManifest } from "./add.ts";
import {
  attestedManifest,
  INDEX_DEPTH_LIMIT,
  type IndexDocument,
  isImageManifest,
  type ManifestDocument,
} from "./manifest-document.ts";
import { platformText } from "./platform.ts";
import type { Pull } from "./pull.ts";
import { fetchListed, isIndex, type PulledManifest } from "./pull-manifest.ts";
import type { PlannedImage, PullPlan } from "./pull-plan.ts";

/** Manifests of one pull; of all platforms real images have some thirty. */
const MANIFESTS_LIMIT = 512;
/** Of all manifests and configs of one pull, which are held in memory; real ones have below 1 MiB. */
const DOCUMENTS_LIMIT_BYTES = 64 * 1024 * 1024;
/** So many are asked for at once. */
const MANIFESTS_AT_ONCE = 8;

/** @throws `invalid-parameter` for one that is too large or too deep */
export async function planWhole(pull: Pull, root: PulledManifest<IndexDocument>): Promise<PullPlan> {
  const walk = new IndexWalk(pull);
  await walk.visit(root, 1);
  return walk.plan();
}

class IndexWalk {
  readonly #pull: Pull;
  readonly #slots = new Slots(() => MANIFESTS_AT_ONCE);
  /** By platform: of several images for one the first is it, and the others are kept as they are. */
  readonly #images = new Map<string, PlannedImage>();
  readonly #artifacts: PulledManifest<ManifestDocument>[] = [];
  readonly #indexes: KeptManifest[] = [];
  #count = 0;
  #bytes = 0;

  constructor(pull: Pull) {
    this.#pull = pull;
  }

  async visit(index: PulledManifest<IndexDocument>, depth: number): Promise<void> {
    if (depth > INDEX_DEPTH_LIMIT) throw indexTooDeep();
    const { entries } = index.document;
    this.#count += entries.length;
    if (this.#count > MANIFESTS_LIMIT) throw invalid(`index has more than ${MANIFESTS_LIMIT} manifests`);
    this.#hold(entries);
    const fetch = (entry: Descriptor) => this.#slots.run(() => fetchListed(this.#pull, entry));
    const listed = await Promise.all(entries.map(fetch));
    for (const [position, manifest] of listed.entries()) {
      if (isIndex(manifest)) await this.visit(manifest, depth + 1);
      else this.#place(manifest, entries[position] as Descriptor);
    }
    this.#indexes.push({ bytes: index.bytes, entries: listed.map(({ digest }) => digest) });
  }

  plan(): PullPlan {
    return { images: [...this.#images.values()], artifacts: this.#artifacts, indexes: this.#indexes };
  }

  #place(manifest: PulledManifest<ManifestDocument>, entry: Descriptor): void {
    const { os } = this.#pull.context.platform;
    const platform = entry.platform && platformText(entry.platform);
    const key = platform ?? manifest.digest;
    const isOurs = (entry.platform?.os ?? os) === os && isImageManifest(manifest.document);
    if (!isOurs || attestedManifest(entry) || this.#images.has(key)) {
      this.#artifacts.push(manifest);
    } else {
      this.#hold([manifest.document.config]);
      this.#images.set(key, { manifest, ...(platform === undefined ? {} : { platform }) });
    }
  }

  #hold(documents: readonly Descriptor[]): void {
    for (const { size } of documents) this.#bytes += size;
    if (this.#bytes > DOCUMENTS_LIMIT_BYTES) {
      throw invalid(`manifests of index have more than ${DOCUMENTS_LIMIT_BYTES} bytes`);
    }
  }
}

export function indexTooDeep(): EngineError {
  return invalid(`index is more than ${INDEX_DEPTH_LIMIT} deep`);
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
