import { EngineError } from "#lib/errors";
import type { Io } from "../../io.ts";

/**
 * Image signatures by Notary v1 are not verified here, and saying nothing would be worse than refusing. They are on only when asked
 * for, by `--disable-content-trust=false` or by the environment.
 *
 * @throws EngineError `not-implemented`
 */
export function refuseContentTrust(io: Io, isDisabled: boolean, isGiven: boolean): void {
  const isWanted = isGiven ? !isDisabled : isTrue(io.env.DOCKER_CONTENT_TRUST);
  if (!isWanted) return;
  throw new EngineError(
    "not-implemented",
    "content trust (signatures by Notary) is not supported: use --disable-content-trust, and name the image by its digest to be sure of it",
  );
}

function isTrue(text = ""): boolean {
  return ["1", "t", "T", "true", "TRUE", "True"].includes(text);
}
