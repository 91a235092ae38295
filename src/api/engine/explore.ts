/**
 * What tug's engine tells of the inside of an image: extensions of the Engine API that Docker's does not have.
 *
 *     GET /images/{name}/explain   ImageExplanation
 *     GET /images/{name}/compare   ImageComparison
 *     GET /images/{name}/files     ImageFile[]
 *     GET /images/{name}/archive   a tar; of the path itself ArchivePathStat in X-Docker-Container-Path-Stat
 *
 * Layers are numbered from 1, the lowest. Paths are absolute; bytes of a name that are no UTF-8 show as U+FFFD. Bytes
 * of a file are those it reads as; what a layer takes on disk is the size of its tar.
 */
import type { ImageConfig } from "./types.ts";

export type ImageFileType = "file" | "directory" | "symlink" | "character" | "block" | "fifo";

/** `added`: was not there below. `changed`: there again, whole, or with another mode or owner. `deleted`: by a whiteout. */
export type ImageChangeKind = "added" | "changed" | "deleted";

export interface ImageExplanation {
  readonly Id: string;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  /** `linux/arm64/v8`. */
  readonly Platform: string;
  /** RFC 3339; empty when the image does not say. */
  readonly Created: string;
  readonly Author: string;
  /** The image's settings, as `inspect` shows them. */
  readonly Config: ImageConfig;
  /** How it was built, oldest first. */
  readonly Steps: readonly ImageBuildStep[];
  /** Lowest first. */
  readonly Layers: readonly ImageLayer[];
  /** What a container of it sees. */
  readonly Files: ImageTotals;
  /** What a container would copy up whole to change a byte of it. */
  readonly LargestFile?: { readonly Path: string; readonly Bytes: number; readonly Layer: number };
  /** Bytes of the files of all layers. */
  readonly LayerBytes: number;
  /** Bytes of the layers' tars: the image's space on disk, shared layers included. */
  readonly DiskBytes: number;
  /** Bytes of files in layers that no container ever sees, since a later layer replaced or deleted them. */
  readonly WastedBytes: number;
  /** The part of `LayerBytes` that is not wasted, 0 to 1. */
  readonly Efficiency: number;
  /** What wastes most, largest first. */
  readonly Wasted: readonly ImageWaste[];
  readonly Program: ImageProgram;
  readonly WorkingDirectory: ImageDirectory;
  /** Other images here that have layers of this one. */
  readonly SharedWith: readonly ImageSharing[];
  /** With `layer`: all that the layer did. */
  readonly Changes?: ImageChangeList;
  /** With `path`: what became of it, layer by layer. */
  readonly Path?: ImagePathHistory;
}

export interface ImageBuildStep {
  /** As a Dockerfile has it; empty when the image does not say. */
  readonly Instruction: string;
  readonly Created: string;
  readonly Comment: string;
  /** The layer that it made; absent when it set metadata only. */
  readonly Layer?: number;
}

export interface ImageLayer {
  readonly Number: number;
  readonly DiffID: string;
  readonly Instruction: string;
  readonly DiskBytes: number;
  readonly FileBytes: number;
  readonly Added: ImageTotals;
  readonly Changed: ImageTotals;
  /** Names that its whiteouts took away, and what had been there. */
  readonly Deleted: ImageTotals;
  /** Of its own bytes, those that later layers made useless. */
  readonly WastedBytes: number;
  /** Where its bytes are: directories and files with a tenth of them or more, parents before what is in them. */
  readonly Outline: readonly ImageOutlineRow[];
}

export interface ImageTotals {
  /** Everything but directories. */
  readonly Files: number;
  readonly Directories: number;
  readonly Bytes: number;
}

export interface ImageOutlineRow {
  readonly Path: string;
  /** Absent for a directory that is shown for what is in it. */
  readonly Kind?: ImageChangeKind;
  readonly Type: ImageFileType;
  readonly Bytes: number;
  /** Files that were added, changed or deleted there. */
  readonly Files: number;
}

export interface ImageWaste {
  readonly Path: string;
  readonly Bytes: number;
  /** Where the bytes are. */
  readonly Layer: number;
  /** Which layer made them useless, and how. */
  readonly By: number;
  readonly Kind: "changed" | "deleted";
  /** Its content came again as it was: a `chmod`, a `chown`, or a copy of the same. */
  readonly SameContent: boolean;
}

/** What a container of the image runs. */
export interface ImageProgram {
  /** Entrypoint and command, joined. Empty when the image has neither. */
  readonly Argv: readonly string[];
  /** The words of it that are files: the program first, then scripts, their interpreters, arguments. */
  readonly Files: readonly ImageProgramFile[];
  /** Why it could not start, if it could not. */
  readonly Problem?: string;
}

export interface ImageProgramFile {
  /** As the command has it: `node`, `server.js`. */
  readonly Word: string;
  readonly Role: "program" | "interpreter" | "argument";
  /** Where `PATH` and the working directory lead. */
  readonly Path: string;
  /** Where symlinks lead from there. */
  readonly ResolvedPath: string;
  readonly Type: ImageFileType;
  readonly Bytes: number;
  readonly Layer: number;
}

export interface ImageDirectory {
  readonly Path: string;
  /** False when a container would make it. */
  readonly Exists: boolean;
  readonly Files: number;
  readonly Bytes: number;
  /** Layers that brought something of it. */
  readonly Layers: readonly number[];
  /** What is in it, largest first. */
  readonly Largest: readonly ImageDirectoryPart[];
}

export interface ImageDirectoryPart {
  readonly Name: string;
  readonly Type: ImageFileType;
  readonly Files: number;
  readonly Bytes: number;
  /** The topmost layer that brought something of it. */
  readonly Layer: number;
}

export interface ImageSharing {
  /** A name of the other image, or its ID. */
  readonly Image: string;
  /** Layers that both have. */
  readonly Layers: readonly number[];
  readonly DiskBytes: number;
}

export interface ImageChangeList {
  readonly Layer: number;
  readonly Changes: readonly ImageChange[];
  /** There are more. */
  readonly Truncated: boolean;
}

export interface ImageChange {
  readonly Kind: ImageChangeKind;
  readonly Path: string;
  /** What is there now; of a deletion, what was there. */
  readonly Type: ImageFileType;
  /** Octal: `4755`. */
  readonly Mode: string;
  readonly Uid: number;
  readonly Gid: number;
  readonly Bytes: number;
  readonly LinkTarget?: string;
  /** Files below a deleted or replaced directory. */
  readonly FilesBelow?: number;
  readonly SameContent?: boolean;
  readonly Before?: {
    readonly Layer: number;
    readonly Type: ImageFileType;
    readonly Mode: string;
    readonly Uid: number;
    readonly Gid: number;
    readonly Bytes: number;
  };
}

export interface ImagePathHistory {
  readonly Path: string;
  /** Where symlinks in it lead, when that is another path: its history is told. */
  readonly ResolvedPath: string;
  readonly Exists: boolean;
  /** Lowest layer first; of a directory also what happened below it. */
  readonly Events: readonly ImagePathEvent[];
}

export interface ImagePathEvent {
  readonly Layer: number;
  readonly Instruction: string;
  /** What happened to the path itself; absent when only something below it changed. */
  readonly Change?: ImageChange;
  /** What happened below. */
  readonly Added: ImageTotals;
  readonly Changed: ImageTotals;
  readonly Deleted: ImageTotals;
}

/** The image of the path and the one of `with`, in that order, are "first" and "second". */
export interface ImageComparison {
  readonly Images: readonly [ImageComparisonSide, ImageComparisonSide];
  readonly Layers: readonly ImageComparisonLayer[];
  readonly SharedDiskBytes: number;
  readonly Added: ImageTotals;
  readonly Removed: ImageTotals;
  readonly Changed: ImageTotals;
  /** Files that differ in nothing but their time of change. */
  readonly Touched: number;
  readonly Differences: readonly ImageDifference[];
  /** There are more than `Differences` lists. */
  readonly Truncated: boolean;
  /** Files of equal size and another time whose contents were too many to compare; they count as changed. */
  readonly NotCompared: number;
  readonly Settings: readonly ImageSettingDifference[];
}

export interface ImageComparisonSide {
  readonly Id: string;
  readonly RepoTags: readonly string[];
  readonly DiskBytes: number;
  /** Of the files in its layers. */
  readonly FileBytes: number;
}

export interface ImageComparisonLayer {
  readonly DiffID: string;
  readonly In: "both" | "first" | "second";
  /** In the image that has it; in the first if both have. */
  readonly Number: number;
  readonly DiskBytes: number;
  readonly Instruction: string;
}

export interface ImageDifference {
  readonly Kind: "added" | "removed" | "changed";
  readonly Path: string;
  readonly Type: ImageFileType;
  /** Of a whole directory that one image does not have: all in it. */
  readonly Bytes: number;
  readonly Files: number;
  /** What differs, of a change. */
  readonly What?: readonly ImageDifferenceKind[];
  readonly BytesBefore?: number;
}

export type ImageDifferenceKind = "content" | "mode" | "owner" | "attributes" | "target" | "device";

export interface ImageSettingDifference {
  /** `Env PATH`, `Cmd`, `User` … */
  readonly Name: string;
  /** Absent where the image does not have it. */
  readonly Before?: string;
  readonly After?: string;
}

/** One file of an image. */
export interface ImageFile {
  /** From the root of the image. */
  readonly Path: string;
  readonly Name: string;
  readonly Type: ImageFileType;
  /** Octal: `4755`. */
  readonly Mode: string;
  readonly Uid: number;
  readonly Gid: number;
  /** Of a file its bytes, of a symlink those of its target, else 0. */
  readonly Size: number;
  /** Names of this file; of a directory as the kernel counts them. */
  readonly Links: number;
  /** The same for all names of one file. */
  readonly Inode: number;
  /** RFC 3339 with nanoseconds. */
  readonly ModTime: string;
  readonly LinkTarget?: string;
  /** Of devices: `8, 1`. */
  readonly Device?: string;
  /** Names of extended attributes. */
  readonly Xattrs?: readonly string[];
  /** The layer that brought it, if `layers` was asked for. */
  readonly Layer?: number;
}
