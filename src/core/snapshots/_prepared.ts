import { access, chmod, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileError, isAbsent, publish } from "#lib/fs";
import { type ActiveSnapshots, diskUsage } from "./_active.ts";
import { hexOf } from "./_layers.ts";
import type { ChainID, PreparedPart } from "./snapshot.ts";

/**
 * Directories that a driver extracted, each there whole or not at all:
 *
 *     FOLDER/HEX/tree   the files
 *     FOLDER/HEX/root   where a view of it is mounted
 */
export class PreparedTrees {
  readonly #folder: string;
  readonly #active: ActiveSnapshots;
  readonly #bytes = new Map<ChainID, number>();

  constructor(folder: string, active: ActiveSnapshots) {
    this.#folder = folder;
    this.#active = active;
  }

  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
  }

  folder(hex: string): string {
    return join(this.#folder, hex);
  }

  tree(hex: string): string {
    return join(this.#folder, hex, "tree");
  }

  mountPoint(hex: string): string {
    return join(this.#folder, hex, "root");
  }

  async has(hex: string): Promise<boolean> {
    try {
      await access(this.tree(hex));
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      throw fileError(`look for "${hex}"`, error);
    }
  }

  /** What is there for a chain. Trees do not change, so each is measured once. */
  async part(key: ChainID): Promise<PreparedPart[]> {
    const hex = hexOf(key);
    if (!(await this.has(hex))) return [];
    const bytes = this.#bytes.get(key) ?? (await diskUsage(this.tree(hex)));
    this.#bytes.set(key, bytes);
    return [{ key, bytes }];
  }

  /** @param fill - is given the folder, in which `tree` is empty yet; what it throws leaves nothing behind */
  async add(hex: string, fill: (folder: string) => Promise<void>): Promise<void> {
    const building = this.#active.temporaryPath();
    try {
      for (const name of ["tree", "root"]) await mkdir(join(building, name), { recursive: true, mode: 0o700 });
      await chmod(join(building, "tree"), 0o755);
      await fill(building);
      await publish({ from: building, to: this.folder(hex) });
    } catch (error) {
      await this.#active.deleteTree(building);
      throw fileError("extract layers", error);
    }
  }

  /** Removes all but these. */
  async retain(kept: ReadonlySet<string>): Promise<void> {
    for (const hex of await readdir(this.#folder)) if (!kept.has(hex)) await this.#active.discard(this.folder(hex));
  }
}
