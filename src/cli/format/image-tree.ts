import type { ImageManifestSummary, ImageSummary } from "#api/engine";
import { textWidth } from "#lib/term";
import { formatSize } from "../values/sizes.ts";
import { shortId } from "./ellipsis.ts";
import { alignColumns, type Cell } from "./explain/columns.ts";
import { oneLine, type Style } from "./explain/style.ts";

const HEAD = ["IMAGE", "ID", "DISK USAGE", "CONTENT SIZE", "EXTRA"];
/** Of the columns that hold numbers. */
const NUMBERS = [2, 3];
/** What the columns beside the name take, gaps included. */
const OTHER_COLUMNS = 54;
const LEAST_NAME_COLUMNS = 24;
const DIGITS = 3;

type ImageKind = ImageManifestSummary & { readonly ImageData: NonNullable<ImageManifestSummary["ImageData"]> };

/** Images with the platforms that each is made for, newest first. What is not on this machine is dim. */
export function imageTree(images: readonly ImageSummary[], style: Style): string {
  const blocks = images.toSorted((a, b) => b.Created - a.Created).map((image) => blockOf(image, style));
  // Of one table, so that all images share their columns.
  const lines = alignColumns(
    [HEAD.map((text) => ({ text, paint: style.bold })), ...blocks.flatMap(({ rows }) => rows)],
    {
      indent: 0,
      right: NUMBERS,
    },
  );
  const text = [lines.shift() ?? ""];
  for (const { names, rows } of blocks) text.push(...names, ...lines.splice(0, rows.length), "");
  return `${text.join("\n")}\n`;
}

interface Block {
  /** Names that have no numbers of their own, or are too long to stand beside them. */
  readonly names: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

function blockOf(image: ImageSummary, style: Style): Block {
  const names = (image.RepoTags ?? []).filter((name) => name !== "<none>:<none>").map(oneLine);
  const room = Math.max(LEAST_NAME_COLUMNS, style.columns - OTHER_COLUMNS);
  const short = names.filter((name) => textWidth(name) <= room);
  const label = names.length === 0 ? "<untagged>" : (short.at(-1) ?? "");
  const platforms = (image.Manifests ?? []).filter(isImage);
  const content = platforms.reduce((sum, { Size }) => sum + Size.Content, 0);
  const users = platforms.flatMap(({ ImageData }) => ImageData.Containers ?? []);
  const first = row(label, {
    id: image.Id,
    bytes: image.Size,
    content,
    inUse: users.length > 0 || image.Containers > 0,
  });
  const [name = "", ...cells] = first;
  return {
    names: names.filter((each) => each !== label).map(style.bold),
    rows: [
      [{ text: textOf(name), paint: style.bold }, ...cells],
      ...platforms.map((each, at) => platformRow(each, at === platforms.length - 1, style)),
    ],
  };
}

function isImage(manifest: ImageManifestSummary): manifest is ImageKind {
  return manifest.Kind === "image" && !!manifest.ImageData;
}

function platformRow(manifest: ImageKind, isLast: boolean, style: Style): Cell[] {
  const { Platform, Containers } = manifest.ImageData;
  const name = [Platform?.os, Platform?.architecture, Platform?.variant].filter(Boolean).join("/");
  const cells = row(`${isLast ? "└─" : "├─"} ${oneLine(name)}`, {
    id: manifest.ID,
    bytes: manifest.Size.Total,
    content: manifest.Size.Content,
    inUse: (Containers ?? []).length > 0,
  });
  return manifest.Available ? cells : cells.map((cell) => ({ text: textOf(cell), paint: style.dim }));
}

interface Numbers {
  readonly id: string;
  readonly bytes: number;
  readonly content: number;
  readonly inUse: boolean;
}

function row(name: string, { id, bytes, content, inUse }: Numbers): Cell[] {
  return [name, shortId(id), formatSize(bytes, DIGITS), formatSize(content, DIGITS), inUse ? "in use" : ""];
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}
