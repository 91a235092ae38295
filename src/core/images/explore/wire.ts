import type { ImageChange, ImageFileType } from "#api/engine";
import type { FileStat } from "#core/snapshots";
import type { Inode } from "#lib/erofs";
import { textOf } from "#lib/fs";
import { formatNano } from "#lib/time";
import type { ImageDocument } from "../image.ts";
import type { Change } from "./changes.ts";

/** A change as the API tells it. */
export function imageChange(change: Change): ImageChange {
  const { kind, path, inode, sizeBytes, filesBelow, before } = change;
  return {
    Kind: kind,
    Path: textOf(path),
    ...attributesOf(inode),
    Bytes: sizeBytes,
    ...(inode.type === "symlink" && { LinkTarget: textOf(inode.target) }),
    ...(filesBelow > 0 && { FilesBelow: filesBelow }),
    ...(change.sameContent && { SameContent: true }),
    ...(before && { Before: { Layer: before.layer + 1, ...attributesOf(before.inode), Bytes: before.sizeBytes } }),
  };
}

/** `4755`, at least three digits. */
export function octalMode(mode: number): string {
  return mode.toString(8).padStart(3, "0");
}

/** The last moment that JavaScript can write, in seconds on both sides of 1970; archives may say others. */
const LAST_SECONDS = 8_640_000_000_000;

/** RFC 3339 with nanoseconds. */
export function modificationTime({ seconds, nanoseconds }: Pick<FileStat, "seconds" | "nanoseconds">): string {
  const clamped = Math.min(Math.max(seconds, -LAST_SECONDS), LAST_SECONDS - 1);
  return formatNano(BigInt(clamped) * 1_000_000_000n + BigInt(nanoseconds));
}

/** `linux/arm64/v8`. */
export function platformOf({ os, architecture, variant }: ImageDocument): string {
  return [os, architecture, variant].filter(Boolean).join("/");
}

function attributesOf({ type, mode, uid, gid }: Inode): {
  Type: ImageFileType;
  Mode: string;
  Uid: number;
  Gid: number;
} {
  return { Type: type, Mode: octalMode(mode), Uid: uid, Gid: gid };
}
