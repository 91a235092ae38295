import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { EngineError, messageOf } from "#lib/errors";
import { writeAtomic } from "#lib/fs";
import type { ManifestEntry } from "./manifest-entry.ts";

/** Lists of manifests that users put together before they push them: a directory each, a file for each manifest, as Docker has them. */
export class ListStore {
  readonly #root: string;

  constructor(configDirectory: string) {
    this.#root = `${configDirectory}/manifests`;
  }

  has(list: string): boolean {
    return existsSync(this.#directory(list));
  }

  /** In the order of their files' names; undefined when there is no such list. */
  list(list: string): ManifestEntry[] | undefined {
    if (!this.has(list)) return undefined;
    const directory = this.#directory(list);
    return readdirSync(directory)
      .sort()
      .map((name) => readEntry(`${directory}/${name}`));
  }

  find(list: string, manifest: string): ManifestEntry | undefined {
    const path = this.#file(list, manifest);
    return existsSync(path) ? readEntry(path) : undefined;
  }

  async save(list: string, manifest: string, entry: ManifestEntry): Promise<void> {
    mkdirSync(this.#directory(list), { recursive: true, mode: 0o755 });
    await writeAtomic(this.#file(list, manifest), JSON.stringify(entry), 0o644);
  }

  /** @throws EngineError `not-found` */
  remove(list: string): void {
    if (!this.has(list)) throw noSuchManifest(list);
    rmSync(this.#directory(list), { recursive: true });
  }

  #directory(list: string): string {
    return `${this.#root}/${safeName(list)}`;
  }

  #file(list: string, manifest: string): string {
    return `${this.#directory(list)}/${safeName(manifest)}`;
  }
}

export function noSuchManifest(name: string): EngineError {
  return new EngineError("not-found", `No such manifest: ${name}`);
}

/** References hold no other characters that a file's name must not have. */
function safeName(reference: string): string {
  return reference.replaceAll(":", "-").replaceAll("/", "_");
}

function readEntry(path: string): ManifestEntry {
  try {
    const entry = JSON.parse(readFileSync(path, "utf8")) as ManifestEntry;
    if (typeof entry.Descriptor?.digest !== "string" || typeof entry.Ref !== "string")
      throw new Error("not a manifest");
    return entry;
  } catch (cause) {
    throw new EngineError("internal", `reading manifest: ${path}: ${messageOf(cause)}`, { cause });
  }
}
