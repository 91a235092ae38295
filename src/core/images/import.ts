import { familiarReference, parseReference, parseTag, type Reference, withDefaultTag } from "#api/distribution";
import { isDigest, type Platform } from "#api/oci";
import { EngineError } from "#lib/errors";
import { formatNano } from "#lib/time";
import { addImage, withLease } from "./add.ts";
import { applyChanges } from "./changes/apply.ts";
import type { ImagesContext } from "./context.ts";
import { parseImageDocument } from "./document.ts";
import type { ImportOptions, Progress } from "./image.ts";
import { emitImageEvent } from "./image-event.ts";
import { storeLayer } from "./ingest/store-layer.ts";
import { parsePlatform } from "./platform.ts";
import type { StoredLayer } from "./records.ts";
import { reporting } from "./reporting.ts";

/** The verb `import`. Options are checked before anything is read. */
export function importImage(
  context: ImagesContext,
  tar: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): AsyncGenerator<Progress> {
  const name = targetName(options);
  const config = applyChanges(options.changes);
  const platform = choosePlatform(options.platform, context.platform);
  return reporting(
    (report, signal) =>
      withLease(context, async (lease) => {
        const layer = await storeLayer(context, { source: tar }, { lease, signal });
        const created = formatNano(context.clock.nowNano());
        const bytes = makeDocument({ layer, platform, created, config, comment: options.message ?? "" });
        const image = {
          config: bytes,
          document: parseImageDocument(bytes),
          layers: [layer],
          names: name ? [name] : [],
        };
        const { id } = await addImage(context, image, lease);
        if (name) emitImageEvent(context, id, "tag", familiarReference(name));
        emitImageEvent(context, id, "import");
        report({ status: id });
      }),
    options.signal,
  );
}

function makeDocument(image: {
  layer: StoredLayer;
  platform: Platform;
  created: string;
  config: object;
  comment: string;
}): Uint8Array {
  const { layer, platform, created, config, comment } = image;
  const step = comment === "" ? { created } : { created, comment };
  return Buffer.from(
    JSON.stringify({
      architecture: platform.architecture,
      ...(comment === "" ? {} : { comment }),
      config,
      created,
      history: [step],
      os: platform.os,
      rootfs: { type: "layers", diff_ids: [layer.diffID] },
      ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    }),
  );
}

function choosePlatform(text: string | undefined, host: Platform): Platform {
  const platform = text ? parsePlatform(text, host) : host;
  if (platform.os !== host.os) {
    throw new EngineError("invalid-parameter", `operating system is not supported: ${platform.os}`);
  }
  return platform;
}

function targetName({ repository, tag }: ImportOptions): Reference | undefined {
  if (!repository) return undefined;
  const reference = parseReference(repository);
  if (reference.digest || (tag && isDigest(tag)))
    throw new EngineError("invalid-parameter", "cannot import digest reference");
  return withDefaultTag(tag ? { ...reference, tag: parseTag(tag) } : reference);
}
