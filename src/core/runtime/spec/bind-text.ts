import { EngineError } from "#lib/errors";
import { invalid } from "../errors.ts";
import { type BindPoint, cleanDestination, cleanSource, PROPAGATIONS, type Propagation } from "./mount-point.ts";

/** Reads `SOURCE:DESTINATION[:OPTIONS]`. */
export function parseBind(raw: string): BindPoint {
  const [source = "", destination, mode = "", ...more] = raw.split(":");
  if (!source || more.length > 0) throw invalid(`invalid volume specification: '${raw}'`);
  if (destination === undefined) throw needsVolumes(`volume specification '${raw}'`);
  if (!source.startsWith("/")) {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(source)) throw invalid(badVolumeName(source));
    throw needsVolumes(`volume specification '${raw}'`);
  }
  if (mode === "" && isMode(destination)) throw invalid(`invalid volume specification: '${raw}'`);
  const options = parseMode(mode);
  const wrong = (why: string) =>
    invalid(`invalid volume specification: '${raw}': invalid mount config for type "bind": ${why}`);
  if (options.copy) throw wrong("field VolumeOptions must not be specified");
  return {
    type: "bind",
    source: cleanSource(source),
    destination: cleanDestination(destination, wrong),
    mode,
    rw: options.rw,
    propagation: options.propagation ?? "rprivate",
    recursive: true,
    recursiveReadonly: "if-possible",
    createSource: true,
    listed: true,
  };
}

function badVolumeName(name: string): string {
  return (
    `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" ` +
    "are allowed. If you intended to pass a host directory, use absolute path"
  );
}

function needsVolumes(what: string): EngineError {
  return new EngineError(
    "not-implemented",
    `${what} names a volume, which this engine does not have yet: give an absolute host path`,
  );
}

interface BindMode {
  readonly rw: boolean;
  readonly propagation: Propagation | undefined;
  readonly copy: boolean;
}

/** Which kind of word each option is: one of a kind may be given. Labels only mean something to SELinux hosts, consistency only to other systems. */
const MODE_WORDS: Readonly<Record<string, string>> = {
  rw: "access",
  ro: "access",
  z: "label",
  Z: "label",
  copy: "copy",
  nocopy: "copy",
  consistent: "consistency",
  cached: "consistency",
  delegated: "consistency",
  ...Object.fromEntries(PROPAGATIONS.map((word) => [word, "propagation"])),
};

function isMode(text: string): boolean {
  const kinds = text.split(",").map((word) => MODE_WORDS[word]);
  return kinds.every((kind) => kind !== undefined) && new Set(kinds).size === kinds.length;
}

function parseMode(mode: string): BindMode {
  if (mode !== "" && !isMode(mode)) throw invalid(`invalid mode: ${mode}`);
  const words = mode.split(",");
  return {
    rw: !words.includes("ro"),
    propagation: PROPAGATIONS.find((word) => words.includes(word)),
    copy: words.includes("copy") || words.includes("nocopy"),
  };
}
