import { familiarName, parseReference } from "#api/distribution";
import { EngineError, messageOf } from "#lib/errors";

/**
 * The name that an image is to get, in the two parts that the engine takes; empty without one.
 *
 * @throws EngineError `invalid-parameter`, also for a digest, which names what is there already
 */
export function splitTarget(target: string | undefined): { repo: string; tag: string } {
  if (target === undefined) return { repo: "", tag: "" };
  let reference: ReturnType<typeof parseReference>;
  try {
    reference = parseReference(target);
  } catch (cause) {
    throw new EngineError("invalid-parameter", messageOf(cause), { cause });
  }
  if (reference.digest !== undefined) {
    throw new EngineError("invalid-parameter", "refusing to create a tag with a digest reference");
  }
  return { repo: familiarName(reference), tag: reference.tag ?? "" };
}
