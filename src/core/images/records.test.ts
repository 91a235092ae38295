import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseReference, type RepositoryName } from "#api/distribution";
import { type Digest, MEDIA_TYPES } from "#api/oci";
import { openDatabase } from "#lib/db";
import type { ImageDocument, ImageID } from "./image.ts";
import { IMAGE_MIGRATIONS } from "./migrations.ts";
import { ImageRecords, type StoredLayer } from "./records.ts";

const HOST = { os: "linux", architecture: "amd64" };

function digest(text: string): Digest {
  return `sha256:${new Bun.CryptoHasher("sha256").update(text).digest("hex")}` as Digest;
}

function documentOf(architecture: string): ImageDocument {
  return { os: "linux", architecture, rootfs: { type: "layers", diff_ids: [] } };
}

const layer = (name: string, blobBytes = 100): StoredLayer => ({ diffID: digest(name), blobBytes, fileBytes: 10 });

function makeRecords(): ImageRecords {
  return new ImageRecords(openDatabase(":memory:", IMAGE_MIGRATIONS), HOST);
}

function addImage(
  records: ImageRecords,
  name: string,
  architecture = "amd64",
  layers = [layer(`${name} layer`)],
): ImageID {
  const id = digest(name) as ImageID;
  records.add({ id, document: documentOf(architecture), layers });
  return id;
}

function addManifest(
  records: ImageRecords,
  name: string,
  more: { imageID?: ImageID; entries?: Digest[]; blobs?: Digest[] },
) {
  records.manifests.add({ digest: digest(name), mediaType: MEDIA_TYPES.ociManifest, bytes: 5, ...more });
  return digest(name);
}

test("a database of the first version keeps its images, names and manifests", () => {
  const folder = mkdtempSync(join(tmpdir(), "tug-records-"));
  const path = join(folder, "tug.db");
  {
    using old = openDatabase(path, IMAGE_MIGRATIONS.slice(0, 1));
    const document = JSON.stringify({ ...documentOf("arm64"), variant: "v8" });
    old.run("INSERT INTO images (id, document, manifest) VALUES (?, ?, ?)", digest("a"), document, digest("m"));
    old.run("INSERT INTO images (id, document) VALUES (?, ?)", digest("b"), JSON.stringify(documentOf("amd64")));
    old.run("INSERT INTO layers VALUES (?, 7, 3)", digest("l"));
    old.run("INSERT INTO image_layers VALUES (?, 0, ?)", digest("a"), digest("l"));
    for (const [name, id, isDigest] of [
      ["x/a:1", "a", 0],
      ["x/a@sha256:1", "a", 1],
      ["x/b:1", "b", 0],
    ] as const) {
      old.run("INSERT INTO image_names VALUES (?, ?, ?, ?)", name, "x/a", isDigest, digest(id));
    }
  }
  using database = openDatabase(path, IMAGE_MIGRATIONS);
  const records = new ImageRecords(database, HOST);
  expect(records.findByName("x/a:1")).toBe(digest("a"));
  expect(records.imagesOf("x/b:1")).toEqual([{ platform: "linux/amd64", id: digest("b") }]);
  expect(records.names(digest("a")).map(({ name, isDigest }) => [name, isDigest])).toEqual([
    ["x/a:1", false],
    ["x/a@sha256:1", true],
  ]);
  expect(records.layers(digest("a"))).toEqual([{ diffID: digest("l"), blobBytes: 7, fileBytes: 3 }]);
  for (const blob of ["a", "b", "m", "l"]) expect(records.usesBlob(digest(blob))).toBe(true);
  records.forget(digest("a"));
  for (const blob of ["a", "m", "l"]) expect(records.usesBlob(digest(blob))).toBe(false);
  expect(records.findName("x/a:1")).toBeUndefined();
  rmSync(folder, { recursive: true });
});

describe("names", () => {
  const name = parseReference("r.test/x:1");
  const text = "r.test/x:1";

  test("hold one image for each platform of the same target, the one for this machine first", () => {
    const records = makeRecords();
    const [arm, amd, next] = [addImage(records, "arm", "arm64"), addImage(records, "amd"), addImage(records, "next")];
    records.setName(name, { images: [{ platform: "linux/arm64", id: arm }], target: digest("index") });
    records.setName(name, { images: [{ platform: "linux/amd64", id: amd }], target: digest("index") });
    expect(records.imagesOf(text).map(({ id }) => id)).toEqual([amd, arm]);
    records.setName(name, { images: [{ platform: "linux/amd64", id: next }], target: digest("other") });
    expect(records.imagesOf(text).map(({ id }) => id)).toEqual([next]);
  });

  test("without a target hold what they were given last", () => {
    const records = makeRecords();
    const [one, two] = [addImage(records, "one", "arm64"), addImage(records, "two")];
    for (const id of [one, two]) records.setName(name, { images: [{ platform: id, id }] });
    expect(records.imagesOf(text)).toHaveLength(1);
  });

  test("go with the last of their images", () => {
    const records = makeRecords();
    const [arm, amd] = [addImage(records, "arm", "arm64"), addImage(records, "amd")];
    const images = [
      { platform: "linux/arm64", id: arm },
      { platform: "linux/amd64", id: amd },
    ];
    records.setName(name, { images, target: digest("index") });
    records.removeFromName(text, arm);
    expect(records.findName(text)).toBeDefined();
    records.removeFromName(text, amd);
    expect(records.findName(text)).toBeUndefined();
  });
});

describe("manifests", () => {
  test("are kept while a name stands for them, with all that they list", () => {
    const records = makeRecords();
    const id = addImage(records, "image");
    const image = addManifest(records, "image manifest", { imageID: id, blobs: [digest("compressed")] });
    const artifact = addManifest(records, "artifact", { blobs: [digest("blob")] });
    const inner = addManifest(records, "inner", { entries: [image, artifact] });
    const outer = addManifest(records, "outer", { entries: [inner] });
    const name = parseReference("r.test/x:1");
    records.setName(name, { images: [{ platform: "linux/amd64", id }], target: outer });
    for (const kept of [outer, inner, image, artifact, digest("blob")]) expect(records.usesBlob(kept)).toBe(true);
    // Of an image its layers are kept, and not as they came.
    expect(records.usesBlob(digest("compressed"))).toBe(false);
    records.removeName("r.test/x:1");
    for (const gone of [outer, inner, image, artifact, digest("blob")]) expect(records.usesBlob(gone)).toBe(false);
  });

  test("that an image was taken from last stay with it", () => {
    const records = makeRecords();
    const id = addImage(records, "image");
    const [first, second] = [1, 2].map((number) => addManifest(records, `m${number}`, { imageID: id })) as [
      Digest,
      Digest,
    ];
    records.setManifest(id, second);
    records.sweep();
    expect([records.usesBlob(first), records.usesBlob(second)]).toEqual([false, true]);
    records.forget(id);
    expect(records.usesBlob(second)).toBe(false);
  });
});

describe("layers that no image has yet", () => {
  test("are kept until their time, and within the limit, the youngest first", () => {
    const records = makeRecords();
    records.keepLayer(layer("old"), 1000);
    records.keepLayer(layer("large", 900), 2000);
    records.keepLayer(layer("young"), 3000);
    const kept = () => ["old", "large", "young"].filter((name) => records.usesBlob(digest(name)));
    records.expireLayers({ nowMs: 500, limitBytes: 10_000 });
    expect(kept()).toEqual(["old", "large", "young"]);
    records.expireLayers({ nowMs: 1500, limitBytes: 10_000 });
    expect(kept()).toEqual(["large", "young"]);
    records.expireLayers({ nowMs: 1500, limitBytes: 500 });
    expect(kept()).toEqual(["young"]);
  });

  test("become an image's, and go with it", () => {
    const records = makeRecords();
    records.keepLayer(layer("l"), 1000);
    const id = addImage(records, "image", "amd64", [layer("l")]);
    records.expireLayers({ nowMs: 5000, limitBytes: 0 });
    expect(records.usesBlob(digest("l"))).toBe(true);
    records.forget(id);
    expect(records.usesBlob(digest("l"))).toBe(false);
  });
});

describe("forms of layers", () => {
  const form = (name: string, bytes = 50) => ({
    digest: digest(name),
    diffID: digest("l"),
    bytes,
    mediaType: MEDIA_TYPES.ociLayerGzip,
    isOwn: true,
  });

  test("keep the bytes that were used last, within the limit and for their time", () => {
    const records = makeRecords();
    records.keepLayer(layer("l"), 1000);
    for (const [name, time] of [
      ["a", 10],
      ["b", 30],
      ["c", 20],
    ] as const) {
      records.forms.add(form(name));
      records.forms.markCached(digest(name), time);
    }
    const cached = () => ["a", "b", "c"].filter((name) => records.usesBlob(digest(name)));
    records.forms.trimCache({ limitBytes: 1000, usedSinceMs: 15 });
    expect(cached()).toEqual(["b", "c"]);
    records.forms.trimCache({ limitBytes: 60, usedSinceMs: 0 });
    expect(cached()).toEqual(["b"]);
    expect(records.forms.find(digest("a"))).toMatchObject({ isCached: false, isOwn: true });
  });

  test("go with their layer, and so does the memory of who has them", () => {
    const records = makeRecords();
    const id = addImage(records, "image", "amd64", [layer("l")]);
    records.forms.add(form("a"));
    records.forms.addSource(digest("a"), "r.test/x" as RepositoryName, 1);
    records.sweep();
    expect(records.forms.sources(digest("a"))).toHaveLength(1);
    records.forget(id);
    expect(records.forms.find(digest("a"))).toBeUndefined();
    expect(records.forms.sources(digest("a"))).toEqual([]);
  });

  test("remember the repositories that were seen last", () => {
    const records = makeRecords();
    for (let time = 0; time < 40; time++)
      records.forms.addSource(digest("a"), `r.test/x${time}` as RepositoryName, time);
    const sources = records.forms.sources(digest("a"));
    expect(sources).toHaveLength(16);
    expect<string[]>(sources.slice(0, 2)).toEqual(["r.test/x39", "r.test/x38"]);
  });
});
