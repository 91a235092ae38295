import { resolve } from "node:path";
import { EngineError } from "#lib/errors";

export interface VolumeSpecs {
  readonly binds: readonly string[];
  /** Paths in the container that get a volume without a name. */
  readonly anonymous: Record<string, Record<never, never>>;
}

/**
 * What `--volume` asks for: `source:target[:options]` is a bind or a named volume, which the engine tells apart; a path
 * alone is an anonymous volume.
 *
 * @throws EngineError `invalid-parameter` for an empty part.
 */
export function parseVolumes(volumes: readonly string[], cwd: string): VolumeSpecs {
  const binds: string[] = [];
  const anonymous: Record<string, Record<never, never>> = {};
  for (const spec of new Set(volumes)) {
    if (spec === "") throw invalid("invalid empty volume spec");
    if (!hasSource(spec)) anonymous[spec] = {};
    else binds.push(withAbsoluteSource(spec, cwd));
  }
  return { binds, anonymous };
}

function hasSource(spec: string): boolean {
  if (spec.length <= 2 || !spec.includes(":")) return false;
  const parts = spec.split(":");
  if (parts.some((part) => part === "")) throw invalid(`invalid spec: ${spec}: empty section between colons`);
  return true;
}

/** The engine knows nothing of our working directory. */
function withAbsoluteSource(spec: string, cwd: string): string {
  const colon = spec.indexOf(":");
  return spec.startsWith(".") ? resolve(cwd, spec.slice(0, colon)) + spec.slice(colon) : spec;
}

function invalid(message: string): EngineError {
  return new EngineError("invalid-parameter", message);
}
