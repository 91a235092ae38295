import { familiarReference } from "#api/distribution";
import { progressText } from "#api/engine";
import { type AddedImage, addImage, type CompleteImage, withLease } from "./add.ts";
import { ArchiveMembers, type ReadOptions } from "./archive/members.ts";
import { type PlannedImage, planImages } from "./archive/plan.ts";
import type { ImagesContext } from "./context.ts";
import { parseImageDocument } from "./document.ts";
import { invalidArchive } from "./errors.ts";
import type { Images, Progress } from "./image.ts";
import { emitImageEvent } from "./image-event.ts";
import { type Report, reporting } from "./reporting.ts";

/** One report for so many bytes of a layer. */
const REPORT_BYTES = 512 * 1024;

/** The verb `load`: what was loaded whole before an error stays. */
export function loadImages(
  context: ImagesContext,
  archive: AsyncIterable<Uint8Array>,
  options: Parameters<Images["load"]>[1],
): AsyncGenerator<Progress> {
  const work = (report: Report, signal: AbortSignal) =>
    withLease(context, async (lease) => {
      const progress = options.quiet ? () => {} : layerReporter(report);
      const members = new ArchiveMembers({ context, lease, progress, signal });
      await members.read(archive);
      for (const planned of await planImages(members, context.platform)) {
        signal.throwIfAborted();
        const added = await addImage(context, verify(planned, context.platform.os), lease);
        announce(report, added);
        emitImageEvent(context, added.id, "load");
      }
    });
  return reporting(work, options.signal);
}

/** The archive promised what its config says, in this order. */
function verify(planned: PlannedImage, os: string): CompleteImage {
  const document = parseImageDocument(planned.config);
  if (document.os !== "" && document.os !== os) throw invalidArchive(`cannot load ${document.os} image on ${os}`);
  const expected = document.rootfs.diff_ids;
  if (planned.layers.length !== expected.length) {
    throw invalidArchive(
      `invalid manifest, layers length mismatch: expected ${planned.layers.length}, got ${expected.length}`,
    );
  }
  planned.layers.forEach(({ diffID }, index) => {
    if (diffID === expected[index]) return;
    throw invalidArchive(`invalid diffID for layer ${index}: expected "${expected[index]}", got "${diffID}"`);
  });
  return { ...planned, document };
}

function announce(report: Report, { id, names }: AddedImage): void {
  for (const { reference, previous } of names) {
    const name = familiarReference(reference);
    if (previous !== undefined) {
      const stream = `The image ${name} already exists, renaming the old one with ID ${previous} to empty string\n`;
      report({ stream });
    }
    report({ stream: `Loaded image: ${name}\n` });
  }
  if (names.length === 0) report({ stream: `Loaded image ID: ${id}\n` });
}

/** Reports on a layer under the digits of its path: its digest is known only at its end. */
function layerReporter(report: Report): ReadOptions["progress"] {
  const reported = new Map<string, number>();
  return ({ path, current, total }) => {
    if (current < total && current - (reported.get(path) ?? 0) < REPORT_BYTES) return;
    reported.set(path, current);
    report({
      status: "Loading layer",
      progressDetail: { current, total },
      progress: progressText({ current, total }),
      id: /[a-f0-9]{64}/.exec(path)?.[0].slice(0, 12) ?? path.slice(1, 13),
    });
  };
}
