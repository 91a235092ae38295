import { EngineError } from "#lib/errors";

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * The environment for a container: files first, then flags. A name without a value takes it from our own
 * environment; from a flag it goes out bare if we have none, which tells the engine to unset it. Of flags with the
 * same name the last counts.
 */
export function readEnvironment(files: readonly string[], flags: readonly string[], env: Env): string[] {
  const fromFiles = files.flatMap((path) => readKeyValueFile(path, (name) => env[name]));
  const lastOfName = new Map(flags.map((entry) => [entry.split("=")[0]!, entry]));
  const fromFlags = [...lastOfName.values()].map((entry) => {
    const value = entry.includes("=") ? undefined : env[entry];
    return value === undefined ? entry : `${entry}=${value}`;
  });
  return [...fromFiles, ...fromFlags];
}

/** Labels from files and flags; the last of a name counts. */
export function readLabels(files: readonly string[], flags: readonly string[]): Record<string, string> {
  const lines = files.flatMap((path) => readKeyValueFile(path, () => undefined));
  return toRecord([...lines, ...flags]);
}

/** `name=value` entries as a record; a name alone has the empty value. */
export function toRecord(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const equals = entry.indexOf("=");
      return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

function readKeyValueFile(path: string, lookUp: (name: string) => string | undefined): string[] {
  const entries: string[] = [];
  const lines = readText(path).split("\n");
  for (const rawLine of lines) {
    const line = rawLine.replace(/\r$/, "").replace(/^[ \t]+/, "");
    if (line === "" || line.startsWith("#")) continue;
    const equals = line.indexOf("=");
    const name = equals < 0 ? line : line.slice(0, equals);
    if (/[ \t]/.test(name)) throw invalidFile(path, `variable '${name}' contains whitespaces`);
    if (name === "") throw invalidFile(path, `no variable name on line '${line}'`);
    const value = equals < 0 ? lookUp(name) : line.slice(equals + 1);
    if (value !== undefined) entries.push(`${name}=${value}`);
  }
  return entries;
}

function readText(path: string): string {
  const bytes = readFile(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidFile(path, "invalid utf8 bytes");
  }
}

/** Reads a file that the user named; what goes wrong is said as Go says it. */
export function readFile(path: string): Uint8Array {
  try {
    return process.getBuiltinModule("node:fs").readFileSync(path);
  } catch (cause) {
    throw new EngineError("invalid-parameter", openFault(path, cause), { cause });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
};

export function openFault(path: string, error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return `open ${path}: ${REASONS[code] ?? message}`;
}

function invalidFile(path: string, reason: string): EngineError {
  return new EngineError("invalid-parameter", `invalid env file (${path}): ${reason}`);
}
