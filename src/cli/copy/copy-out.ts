import { resolve } from "node:path";
import { decodePathStat, isGoDirectory, isGoSymlink, PATH_STAT_HEADER, type PathStat } from "#api/engine";
import type { EngineResponse } from "#client";
import type { Context } from "../context.ts";
import { ByteCount } from "./count-bytes.ts";
import { extractArchive } from "./extract.ts";
import { localTarget } from "./local-target.ts";

/** Asks the engine for the archive of a path of a container or an image. */
export type OpenArchive = (path: string) => Promise<EngineResponse>;

export interface CopyOut {
  readonly open: OpenArchive;
  readonly path: string;
  /** `-` for a tar on stdout. */
  readonly target: string;
  /** A symlink at the end of the path stands for what it leads to. */
  readonly followLink: boolean;
  readonly quiet: boolean;
}

/** Copies a path out of a container or an image. @throws EngineError `invalid-parameter` for an unusable target */
export async function copyOut({ io }: Context, { open, path, target, followLink, quiet }: CopyOut): Promise<void> {
  const source = followLink ? await linkTarget(open, path) : path;
  const { headers, body } = await open(source);
  if (target === "-") {
    for await (const bytes of body) await io.stdout.writeAsync(bytes);
    return;
  }
  const stat = pathStatOf(headers);
  const asked = source === path ? stat.name : baseName(path);
  const place = await localTarget(target, { name: stat.name, isDirectory: isGoDirectory(stat.mode) }, io.cwd);
  const rename = place.rename ?? (asked === stat.name ? undefined : { from: stat.name, to: asked });
  const count = new ByteCount(io, "Copying from container", { quiet });
  try {
    await extractArchive(count.of(body), {
      directory: place.directory,
      ...(rename && { rename }),
      warn: (text) => io.stderr.write(`WARNING: ${text}\n`),
    });
  } finally {
    count.clear();
  }
  if (quiet || !io.stdout.isTerminal) return;
  io.stderr.write(`Successfully copied ${count.text} to ${resolve(io.cwd, target)}\n`);
}

/** The answer to a HEAD would tell no reason why there is none, so the archive itself is asked for. */
async function linkTarget(open: OpenArchive, path: string): Promise<string> {
  const { headers, body } = await open(path);
  for await (const _ of body) break;
  const stat = pathStatOf(headers);
  return isGoSymlink(stat.mode) && stat.linkTarget !== "" ? stat.linkTarget : path;
}

function pathStatOf(headers: ReadonlyMap<string, string>): PathStat {
  return decodePathStat(headers.get(PATH_STAT_HEADER.toLowerCase()));
}

function baseName(path: string): string {
  return path.split("/").filter(Boolean).at(-1) ?? "/";
}
