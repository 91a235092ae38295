import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "#core/content";
import { createProcessExecutor, type Executor, type HostOp } from "#executor";
import { type ByteString, byteStringFrom, bytesOf } from "#lib/fs";
import { createLogger } from "#lib/log";
import { TarScanner } from "#lib/tar";
import type { DriverOptions } from "./driver.ts";
import { type FileEntry, type FileTree, readContent } from "./file-tree.ts";
import type { Mount, RootMounts } from "./snapshot.ts";

const TUG_EXEC = join(import.meta.dir, "../../../build/tug-exec");

/** Deletes at once. */
export const NO_TRASH: DriverOptions["trash"] = {
  discard: ({ path }) => rm(path, { recursive: true, force: true }),
};

/**
 * For tests: a real executor, and a look at what it mounts. Its mounts are in a namespace of its own, which
 * `/proc/PID/root` leads into.
 */
export class Mounter implements AsyncDisposable {
  readonly executor: Executor;
  readonly #pid: number;

  private constructor(executor: Executor, pid: number) {
    this.executor = executor;
    this.#pid = pid;
  }

  static async start(): Promise<Mounter> {
    const before = new Set(await executors());
    const executor = createProcessExecutor({
      binaryPath: TUG_EXEC,
      socketsDir: join(tmpdir(), `tug-sockets-${process.pid}`),
      log: createLogger({ level: "error", format: "text", now: () => new Date(), write: console.error }),
    });
    await executor.run([]);
    const started = (await executors()).filter((pid) => !before.has(pid));
    if (started.length !== 1) throw new Error(`expected one new executor, found ${started.length}`);
    return new Mounter(executor, started[0]!);
  }

  /** Mounts a root, has `look` look at it, and unmounts it. */
  async mounted<T>(mounts: RootMounts, look: (root: string) => Promise<T>): Promise<T> {
    await this.executor.run([...mounts.shared, ...mounts.own].map(mountOp));
    try {
      return await look(join("/proc", String(this.#pid), "root", mounts.path));
    } finally {
      const targets = [...mounts.own, ...mounts.shared].map(({ target }) => target);
      await this.executor.run(targets.map((path) => ({ op: "umount", path, detach: false })));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.executor[Symbol.asyncDispose]();
  }
}

/** Children of this process that are executors. */
async function executors(): Promise<number[]> {
  const tasks = await readdir("/proc/self/task");
  const children = await Promise.all(
    tasks.map((task) => readFile(`/proc/self/task/${task}/children`, "utf8").catch(() => "")),
  );
  const pids = children.flatMap((line) => line.split(" ").filter(Boolean).map(Number));
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")));
  return pids.filter((_, i) => names[i]?.startsWith("tug-exec"));
}

function mountOp(mount: Mount): HostOp {
  const values = (key: string) =>
    mount.options.filter((option) => option.startsWith(`${key}=`)).map((option) => option.slice(key.length + 1));
  const path = mount.target;
  if (mount.type === "erofs") return { op: "mount-erofs", path, image: mount.source, devices: values("device") };
  if (mount.type === "bind") return { op: "mount-bind", path, source: mount.source, flags: MS_BIND };
  const [upper = "", work = ""] = [...values("upperdir"), ...values("workdir")];
  return { op: "mount-overlay", path, lower: values("lowerdir"), upper, work, options: [] };
}

const MS_BIND = 4096;

/** GNU tar leaves extended attributes out unless told. */
export const XATTRS = ["--xattrs", "--xattrs-include=*"];

/** A tree as GNU tar sees it: every attribute, in an order that depends on nothing else. */
export function archived(root: string): Buffer {
  const pax = "--pax-option=delete=atime,delete=ctime,exthdr.name=%d/pax/%f";
  const options = ["--format=posix", "--sort=name", "--numeric-owner", pax, ...XATTRS];
  return execFileSync("tar", ["-C", root, ...options, "-cf", "-", "."], { maxBuffer: 2 ** 30 });
}

/** The members that two archives do not have alike, ours and theirs. */
export function differences(ours: Buffer, theirs: Buffer): string[] {
  const [a, b] = [membersOf(ours), membersOf(theirs)];
  const names = [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name));
  return names.map((name) => `${name}: ${a.get(name)} instead of ${b.get(name)}`);
}

function membersOf(archive: Buffer): Map<string, string> {
  const members = new Map<string, string>();
  const scanner = new TarScanner((entry) => {
    const { dataOffset, storedSize, xattrs, name, ...attributes } = entry;
    const data = digestOf(archive.subarray(dataOffset, dataOffset + storedSize));
    const values = [...xattrs].map(([key, value]) => [key, Buffer.from(value).toString("hex")]).sort();
    members.set(name, JSON.stringify({ ...attributes, values, data }));
  });
  scanner.push(archive);
  scanner.end();
  return members;
}

/** What tests compare of a file. */
interface Described {
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeMs: number;
  /** Of files alone: a directory's depend on the file system. */
  readonly links?: number;
  readonly size?: number;
  readonly content?: string;
  readonly target?: string;
}

/** Every file of a tree by its path, in bytes. */
export async function describeTree(tree: FileTree): Promise<Map<string, Described>> {
  const described = new Map<string, Described>();
  const describe = async (path: string, { stat }: Pick<FileEntry, "stat">) => {
    const { type, mode, uid, gid, links, size } = stat;
    const common = { type, mode, uid, gid, mtimeMs: Math.floor(stat.seconds * 1000 + stat.nanoseconds / 1e6) };
    const file = async () => ({
      links,
      size,
      content: digestOf(Buffer.concat(await Array.fromAsync(readContent(tree, stat)))),
    });
    const more = type === "file" ? await file() : type === "symlink" ? { target: tree.readLink(stat) } : {};
    described.set(path, { ...common, ...more });
    if (type === "directory") for (const entry of tree.entries(stat)) await describe(`${path}/${entry.name}`, entry);
  };
  await describe("", { stat: tree.resolve("/" as ByteString)!.node });
  return described;
}

/** The same of a directory of this machine. */
export function describeFolder(root: string): Map<string, Described> {
  const described = new Map<string, Described>();
  const describe = (path: string) => {
    const place = bytesOf(`${byteStringFrom(Buffer.from(root))}${path}` as ByteString);
    const stats = lstatSync(place);
    const { uid, gid, nlink, size } = stats;
    const type = typeOf(stats);
    const common = { type, mode: stats.mode & 0o7777, uid, gid, mtimeMs: Math.floor(stats.mtimeMs) };
    const more =
      type === "file"
        ? { links: nlink, size, content: digestOf(readFileSync(place)) }
        : type === "symlink"
          ? { target: byteStringFrom(readlinkSync(place, { encoding: "buffer" })) }
          : {};
    described.set(path, { ...common, ...more });
    if (type === "directory")
      for (const name of readdirSync(place, { encoding: "buffer" })) describe(`${path}/${byteStringFrom(name)}`);
  };
  describe("");
  return described;
}

function typeOf(stats: Stats): string {
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "character";
  if (stats.isBlockDevice()) return "block";
  return stats.isFIFO() ? "fifo" : "file";
}
