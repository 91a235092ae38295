import { randomUUID } from "node:crypto";
import { chown, lstat, mkdir, opendir, readdir, readlink, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Executor } from "#executor";
import { EngineError } from "#lib/errors";
import { type ByteString, bytesOf, errnoOf, fileError, isAbsent } from "#lib/fs";
import { hexOf } from "./_layers.ts";
import type { DriverOptions } from "./driver.ts";
import type { ChainID } from "./snapshot.ts";

/** Who owns the root of a new snapshot: with a user namespace its mapped root. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** One of them, and where it is. */
export interface ActiveSnapshot {
  readonly key: string;
  /** Of its chain's ID. */
  readonly hex: string;
  readonly upper: string;
  readonly work: string;
  readonly root: string;
}

/**
 * The active snapshots of a driver, each a directory that is there whole or not at all:
 *
 *     ROOT/snapshots/KEY/upper   what the container writes (the whole tree, in `vfs`)
 *     ROOT/snapshots/KEY/work    overlayfs's own
 *     ROOT/snapshots/KEY/root    where the root filesystem is mounted
 *     ROOT/snapshots/KEY/chain   a symlink that holds the chain ID's hex
 *     ROOT/tmp/…                 being made or removed; emptied at start
 *
 * All is private (0700) but for `upper`, which is the container's "/".
 */
export class ActiveSnapshots {
  readonly #snapshots: string;
  readonly #temporary: string;
  readonly #executor: Executor;
  readonly #trash: DriverOptions["trash"];

  constructor({ root, executor, trash }: Pick<DriverOptions, "root" | "executor" | "trash">) {
    this.#snapshots = join(root, "snapshots");
    this.#temporary = join(root, "tmp");
    this.#executor = executor;
    this.#trash = trash;
  }

  async open(): Promise<void> {
    await this.deleteTree(this.#temporary);
    for (const folder of [this.#snapshots, this.#temporary]) await mkdir(folder, { recursive: true, mode: 0o700 });
  }

  path(key: string): string {
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,200}$/.test(key))
      throw new EngineError("invalid-parameter", `invalid snapshot key "${key}"`);
    return join(this.#snapshots, key);
  }

  /** @throws `not-found` */
  async get(key: string): Promise<ActiveSnapshot> {
    const path = this.path(key);
    const hex = await this.#chainHex(key);
    return { key, hex, upper: join(path, "upper"), work: join(path, "work"), root: join(path, "root") };
  }

  /** @param fill - puts what it likes into the upper directory before the snapshot appears @throws `already-exists` */
  async create(
    key: string,
    chainID: ChainID,
    options: { owner?: Owner; fill?: (upper: string) => Promise<void> } = {},
  ): Promise<void> {
    const final = this.path(key);
    const building = this.temporaryPath();
    try {
      await mkdir(building, { mode: 0o700 });
      await mkdir(join(building, "upper"), { mode: 0o755 });
      for (const folder of ["work", "root"]) await mkdir(join(building, folder), { mode: 0o700 });
      await symlink(hexOf(chainID), join(building, "chain"));
      await options.fill?.(join(building, "upper"));
      if (options.owner !== undefined) await chown(join(building, "upper"), options.owner.uid, options.owner.gid);
      await rename(building, final);
    } catch (error) {
      await this.deleteTree(building);
      const errno = errnoOf(error);
      if (errno === "ENOTEMPTY" || errno === "EEXIST")
        throw new EngineError("already-exists", `snapshot "${key}" already exists`);
      throw fileError(`create snapshot "${key}"`, error);
    }
  }

  async remove(key: string): Promise<void> {
    await this.discard(this.path(key));
  }

  /** Removes a directory of the driver: out of sight when this resolves, deleted later. Absence is fine. */
  async discard(path: string): Promise<void> {
    try {
      await this.#trash.discard({ path, doomed: this.temporaryPath() });
    } catch (error) {
      throw fileError(`remove "${path}"`, error);
    }
  }

  /** Containers may have made it as deep and as large as they could; the executor is quick and follows nothing. */
  async deleteTree(path: string): Promise<void> {
    await this.#executor.run([{ op: "remove-tree", path }]);
  }

  /** A name for something that is made before it gets its place. */
  temporaryPath(): string {
    return join(this.#temporary, randomUUID());
  }

  async list(): Promise<string[]> {
    return await readdir(this.#snapshots);
  }

  /** Whether anything was ever written. */
  async isUntouched(key: string): Promise<boolean> {
    await using upper = await opendir(join(this.path(key), "upper"));
    return (await upper.read()) === null;
  }

  async usage(key: string): Promise<number> {
    return await diskUsage((await this.get(key)).upper);
  }

  async #chainHex(key: string): Promise<string> {
    try {
      return await readlink(join(this.path(key), "chain"));
    } catch (error) {
      if (isAbsent(error)) throw new EngineError("not-found", `no such snapshot: "${key}"`);
      throw fileError(`read snapshot "${key}"`, error);
    }
  }
}

/** Bytes that a tree takes on disk, hard links once, links not followed; what vanishes meanwhile is not counted. */
export async function diskUsage(root: string): Promise<number> {
  const seen = new Set<string>();
  let total = 0;
  const pending: Buffer[] = [Buffer.from(root)];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const stat = await unlessAbsent(lstat(path));
    if (stat === undefined) continue;
    const identity = `${stat.dev}:${stat.ino}`;
    if (!stat.isDirectory() && stat.nlink > 1) {
      if (seen.has(identity)) continue;
      seen.add(identity);
    }
    total += stat.blocks * 512;
    if (!stat.isDirectory()) continue;
    for (const name of (await unlessAbsent(readdir(path, { encoding: "latin1" }))) ?? [])
      pending.push(Buffer.concat([path, Buffer.from("/"), bytesOf(name as ByteString)]));
  }
  return total;
}

async function unlessAbsent<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw fileError("measure snapshot", error);
  }
}
