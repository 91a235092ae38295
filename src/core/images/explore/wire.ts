import type { ImageChange, ImageFileType } from "#api/engine";
import type { Inode } from "#lib/erofs";
import { textOf } from "#lib/fs";
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

/** `linux/arm64/v8`. */
export function platformOf({ os, architecture, variant }: ImageDocument): string {
  return [os, architecture, variant].filter(Boolean).join("/");
}

function attributesOf({ type, mode, uid, gid }: Inode): { Type: ImageFileType; Mode: string; Uid: number; Gid: number } {
  return { Type: type, Mode: octalMode(mode), Uid: uid, Gid: gid };
}
