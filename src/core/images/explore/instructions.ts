import type { DiffID } from "#core/snapshots";
import type { ImageDocument } from "../image.ts";

/** One step of how an image was built. */
export interface BuildStep {
  /** As in a Dockerfile, without what builders wrap it in; empty when the image does not say. */
  readonly instruction: string;
  /** RFC 3339, as recorded; may be empty. */
  readonly created: string;
  readonly comment: string;
  /** Position of the layer it made; undefined when it set metadata only. */
  readonly layer?: number;
}

/**
 * Joins the history of an image to its layers, oldest first. The history is whatever the builder wrote: layers
 * beyond it get steps that say nothing, and steps beyond the layers count as metadata.
 */
export function buildSteps({ history = [], rootfs }: Pick<ImageDocument, "history" | "rootfs">): BuildStep[] {
  const layers: readonly DiffID[] = rootfs.diff_ids;
  let next = 0;
  const steps = history.map((entry): BuildStep => {
    const made = entry.empty_layer !== true && next < layers.length;
    return {
      instruction: instructionOf(entry.created_by ?? ""),
      created: entry.created ?? "",
      comment: entry.comment ?? "",
      ...(made && { layer: next++ }),
    };
  });
  while (next < layers.length) steps.push({ instruction: "", created: "", comment: "", layer: next++ });
  return steps;
}

/**
 * What `created_by` says, as the Dockerfile had it. The classic builder wrote the shell's command line, with a comment
 * for what ran nothing; BuildKit writes `RUN`, the shell and a mark of its own.
 */
export function instructionOf(createdBy: string): string {
  const text = createdBy.replace(/\s+# buildkit$/, "").trim();
  const comment = /^\/bin\/sh -c #\(nop\)\s+(.*)$/s.exec(text)?.[1];
  if (comment !== undefined) return comment;
  const ports = /^EXPOSE (?:map)?\[(.*)\]$/.exec(text)?.[1];
  if (ports !== undefined) return `EXPOSE ${ports.replaceAll(":{}", "")}`;
  const command = /^(?:RUN )?(?:\|\d+ .*?)?\/bin\/(?:ba)?sh -c (.*)$/s.exec(text)?.[1];
  return command === undefined ? text : `RUN ${command}`;
}
