/** Listings of files, as `ls` prints them. */
import type { ImageFile, ImageFileType } from "#api/engine";
import { textWidth } from "#lib/term";
import { formatSize } from "../values/sizes.ts";
import { alignColumns, type Cell } from "./explain/columns.ts";
import { oneLine, type Style } from "./explain/style.ts";

export interface ListingStyle extends Style {
  readonly long: boolean;
  /** Sizes as people read them. */
  readonly human: boolean;
  /** Names stand side by side there. */
  readonly isTerminal: boolean;
}

interface ListingOptions {
  readonly style: ListingStyle;
  /** Name each directory before its files: what stands before its path, and the first one. */
  readonly heads?: { readonly prefix: string; readonly first: string };
}

/**
 * The text of a listing, a directory at a time: files come as the engine lists them, all of a directory before those
 * in the directories within.
 */
export async function* listingOf(
  files: AsyncIterable<ImageFile>,
  { style, heads }: ListingOptions,
): AsyncGenerator<string, void> {
  let group: ImageFile[] = [];
  let groups = 0;
  const textOf = (directory: string) => {
    const isItself = group.length === 1 && group[0]!.Path === heads?.first;
    const gap = groups++ === 0 ? "" : "\n";
    const head = heads === undefined || isItself ? "" : `${gap}${heads.prefix}${oneLine(directory)}:\n`;
    return head + groupText(group, style);
  };
  for await (const file of files) {
    const [before] = group;
    if (before !== undefined && directoryOf(file) !== directoryOf(before)) {
      yield textOf(directoryOf(before));
      group = [];
    }
    group.push(file);
  }
  const [last] = group;
  if (last !== undefined) yield textOf(directoryOf(last));
  else if (heads !== undefined) yield textOf(heads.first);
}

function directoryOf({ Path }: ImageFile): string {
  return Path.slice(0, Math.max(Path.lastIndexOf("/"), 1));
}

function groupText(files: readonly ImageFile[], style: ListingStyle): string {
  if (style.long)
    return lines(
      alignColumns(
        files.map((file) => longRow(file, style)),
        { indent: 0, right: [1, 2, 3, 4] },
      ),
    );
  const cells = files.map((file) => ({ width: textWidth(oneLine(file.Name)), text: paintedName(file, style) }));
  if (!style.isTerminal) return lines(cells.map(({ text }) => text));
  return lines(sideBySide(cells, style.columns));
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}

function longRow(file: ImageFile, style: ListingStyle): Cell[] {
  const { Mode, Type, Links, Uid, Gid, Size, ModTime, Layer, LinkTarget, Device } = file;
  const size = Device ?? (style.human ? formatSize(Size) : String(Size));
  const target = LinkTarget === undefined ? "" : ` -> ${oneLine(LinkTarget)}`;
  return [
    modeText(Type, Mode),
    String(Links),
    String(Uid),
    String(Gid),
    size,
    ModTime.slice(0, "2026-01-01T00:00".length).replace("T", " "),
    ...(Layer === undefined ? [] : [{ text: `layer ${Layer}`, paint: style.cyan }]),
    paintedName(file, style) + target,
  ];
}

function paintedName({ Name, Type, Mode }: ImageFile, style: Style): string {
  const name = oneLine(Name);
  if (Type === "directory") return style.bold(name);
  if (Type === "symlink") return style.cyan(name);
  return Type === "file" && (Number.parseInt(Mode, 8) & 0o111) !== 0 ? style.green(name) : name;
}

const TYPES: Readonly<Record<ImageFileType, string>> = {
  file: "-",
  directory: "d",
  symlink: "l",
  character: "c",
  block: "b",
  fifo: "p",
};

/** `-rwsr-xr-t`. */
function modeText(type: ImageFileType, octal: string): string {
  const mode = Number.parseInt(octal, 8);
  const bits = [...TYPES[type], ..."rwxrwxrwx"].map((letter, i) =>
    i === 0 || (mode & (1 << (9 - i))) !== 0 ? letter : "-",
  );
  for (const [bit, at, set, alone] of SPECIAL) if ((mode & bit) !== 0) bits[at] = bits[at] === "x" ? set : alone;
  return bits.join("");
}

/** Bit, its place, its letter with and without the right to execute. */
const SPECIAL: readonly (readonly [bit: number, at: number, set: string, alone: string])[] = [
  [0o4000, 3, "s", "S"],
  [0o2000, 6, "s", "S"],
  [0o1000, 9, "t", "T"],
];

const GAP = 2;

/** Names in columns of one width, filled downwards as `ls` does. */
function sideBySide(cells: readonly { width: number; text: string }[], columns: number): string[] {
  const width = Math.max(1, ...cells.map((cell) => cell.width)) + GAP;
  const perLine = Math.max(1, Math.floor((columns + GAP) / width));
  const rows = Math.ceil(cells.length / perLine);
  return Array.from({ length: rows }, (_, row) => {
    const inRow = cells.filter((_, i) => i % rows === row);
    return inRow
      .map((cell, i) => (i === inRow.length - 1 ? cell.text : cell.text + " ".repeat(width - cell.width)))
      .join("");
  });
}
