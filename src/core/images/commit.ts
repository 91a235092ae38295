import { familiarReference, parseReference, type Reference, withDefaultTag } from "#api/distribution";
import { EngineError } from "#lib/errors";
import { formatNano } from "#lib/time";
import { addImage, withLease } from "./add.ts";
import type { ImagesContext } from "./context.ts";
import { parseImageDocument } from "./document.ts";
import { noSuchImage } from "./errors.ts";
import type { CommitOptions, HistoryEntry, ImageDocument, ImageID } from "./image.ts";
import { emitImageEvent } from "./image-event.ts";
import { storeLayer } from "./ingest/store-layer.ts";
import type { ImageRecord, StoredLayer } from "./records.ts";

/** The verb `commit`: an image with one layer more than its base, or with another config only. */
export async function commitImage(
  context: ImagesContext,
  base: ImageID | undefined,
  options: CommitOptions,
): Promise<ImageID> {
  const name = options.reference === undefined ? undefined : targetName(options.reference);
  const signal = options.signal ?? new AbortController().signal;
  return await withLease(context, async (lease) => {
    const parent = base === undefined ? undefined : recordOf(context, base);
    const below = base === undefined ? [] : context.records.layers(base);
    // The container may be removed meanwhile, and with it a base that nobody else needs.
    for (const { diffID } of below) lease.add(diffID);
    const added = options.layer && (await storeLayer(context, { source: options.layer }, { lease, signal }));
    const layers = [...below, ...(added ? [added] : [])];
    const created = formatNano(context.clock.nowNano());
    const config = makeDocument({ parent: parent?.document, layers, created, platform: context.platform, options });
    const document = parseImageDocument(config);
    const image = { config, document, layers, names: name ? [name] : [], ...(base ? { parent: base } : {}) };
    const { id } = await addImage(context, image, lease);
    emitImageEvent(context, id, "create");
    if (name) emitImageEvent(context, id, "tag", familiarReference(name));
    return id;
  });
}

function targetName(text: string): Reference {
  const reference = parseReference(text);
  if (reference.digest) throw new EngineError("invalid-parameter", "refusing to create a tag with a digest reference");
  return withDefaultTag(reference);
}

function recordOf({ records }: ImagesContext, id: ImageID): ImageRecord {
  const record = records.find(id);
  if (!record) throw noSuchImage(id);
  return record;
}

function makeDocument(image: {
  parent: ImageDocument | undefined;
  layers: readonly StoredLayer[];
  created: string;
  platform: ImagesContext["platform"];
  options: CommitOptions;
}): Uint8Array {
  const { parent, layers, created, platform, options } = image;
  const { os, architecture, variant } = parent ?? platform;
  return Buffer.from(
    JSON.stringify({
      architecture,
      ...authorOf(options),
      config: options.config,
      container: options.container,
      created,
      history: [...(parent?.history ?? []), step(created, options)],
      os,
      rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffID) },
      ...(variant === undefined ? {} : { variant }),
    }),
  );
}

function step(created: string, options: CommitOptions): HistoryEntry {
  return {
    created,
    created_by: options.command.join(" "),
    ...authorOf(options),
    ...(options.message === "" ? {} : { comment: options.message }),
    ...(options.layer === undefined ? { empty_layer: true } : {}),
  };
}

function authorOf({ author }: CommitOptions): { author?: string } {
  return author === "" ? {} : { author };
}
