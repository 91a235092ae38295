import type { ImageSummary } from "#api/engine";
import { durationText } from "#lib/time";
import { formatSize } from "../values/sizes.ts";
import { shortId } from "./ellipsis.ts";
import type { Formatter } from "./formatter.ts";
import { goTime } from "./time.ts";

const NONE = "<none>";

/** One line of a list of images: an image under one of its names. */
export interface ImageRow {
  readonly image: ImageSummary;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** One row a name; images without a name have one row. With digests, one row for each of a name's digests. */
export function imageRows(list: readonly ImageSummary[], options: { digests: boolean }): ImageRow[] {
  return list.flatMap((image) => {
    const rows = rowsOf(image, options.digests);
    return rows.length === 0 ? [{ image, repository: NONE, tag: NONE, digest: NONE }] : rows;
  });
}

function rowsOf(image: ImageSummary, digests: boolean): ImageRow[] {
  const tags = (image.RepoTags ?? []).filter((name) => name !== "<none>:<none>").map(splitTag);
  const known = (image.RepoDigests ?? []).filter((name) => !name.startsWith("<none>@")).map(splitDigest);
  const rows = tags.flatMap(({ repository, tag }) => {
    const own = known.filter((each) => each.repository === repository);
    if (!digests || own.length === 0) return [{ image, repository, tag, digest: NONE }];
    return own.map(({ digest }) => ({ image, repository, tag, digest }));
  });
  const untagged = known.filter((each) => !tags.some(({ repository }) => repository === each.repository));
  return [...rows, ...untagged.map(({ repository, digest }) => ({ image, repository, tag: NONE, digest }))];
}

function splitTag(name: string): { repository: string; tag: string } {
  const colon = name.lastIndexOf(":");
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
}

function splitDigest(name: string): { repository: string; digest: string } {
  const at = name.indexOf("@");
  return { repository: name.slice(0, at), digest: name.slice(at + 1) };
}

export interface ImageListOptions {
  readonly truncate: boolean;
  readonly digests: boolean;
  readonly nowMs: number;
}

/** Images as `images` shows them. */
export function imageFormatter({ truncate, digests, nowMs }: ImageListOptions): Formatter<ImageRow> {
  return {
    typeName: "*formatter.imageContext",
    fields: {
      Containers: { head: "CONTAINERS", value: ({ image }) => count(image.Containers) },
      CreatedAt: { head: "CREATED AT", value: ({ image }) => goTime(image.Created) },
      CreatedSince: {
        head: "CREATED",
        value: ({ image }) => (image.Created <= 0 ? "N/A" : `${durationText(nowMs - image.Created * 1000)} ago`),
      },
      Digest: { head: "DIGEST", value: ({ digest }) => digest },
      ID: { head: "IMAGE ID", value: ({ image }) => (truncate ? shortId(image.Id) : image.Id) },
      Repository: { head: "REPOSITORY", value: ({ repository }) => repository },
      SharedSize: { head: "SHARED SIZE", value: ({ image }) => optionalSize(image.SharedSize) },
      Size: { head: "SIZE", value: ({ image }) => formatSize(image.Size) },
      Tag: { head: "TAG", value: ({ tag }) => tag },
      UniqueSize: {
        head: "UNIQUE SIZE",
        value: ({ image }) => (image.SharedSize < 0 ? "N/A" : formatSize(image.Size - image.SharedSize, 4)),
      },
      VirtualSize: { head: "SIZE", value: ({ image }) => formatSize(image.Size, 4) },
    },
    columns: ["Repository", "Tag", ...(digests ? ["Digest"] : []), "ID", "CreatedSince", "Size"],
    id: "ID",
  };
}

function count(containers: number): string {
  return containers === undefined || containers < 0 ? "N/A" : String(containers);
}

function optionalSize(bytes: number): string {
  return bytes === undefined || bytes < 0 ? "N/A" : formatSize(bytes, 4);
}
