import { describe, expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { chainIDOf, type DiffID } from "#core/snapshots";
import {
  buildImage,
  dockerArchive,
  HOSTILE_ARCHIVES,
  layeredImage,
  layerPath,
  type Member,
  ociLayout,
  tar,
} from "#fixtures";
import { EngineError } from "#lib/errors";
import { inPieces, makeHarness } from "./_harness.ts";

const GZIP = { suffix: "+gzip", compress: (layer: Uint8Array) => gzipSync(layer) };
const ZSTD = { suffix: "+zstd", compress: (layer: Uint8Array) => zstdCompressSync(layer) };
const SPEC = layeredImage("team/app:v1");
const BUILT = buildImage(SPEC);

const FORMS: [string, () => Member[]][] = [
  ["a Docker archive", () => dockerArchive([SPEC])],
  ["a Docker archive with gzip layers", () => dockerArchive([SPEC], GZIP)],
  ["a Docker archive with zstd layers", () => dockerArchive([SPEC], ZSTD)],
  ["a Docker archive whose manifest comes first", () => dockerArchive([SPEC]).reverse()],
  ["an OCI layout", () => ociLayout([{ ...SPEC, tags: ["docker.io/team/app:v1"] }])],
  ["an OCI layout with gzip layers", () => ociLayout([{ ...SPEC, tags: ["docker.io/team/app:v1"] }], GZIP)],
  ["an OCI layout with zstd layers", () => ociLayout([{ ...SPEC, tags: ["docker.io/team/app:v1"] }], ZSTD)],
];

describe("load()", () => {
  test.each(FORMS)("reads %s", async (_name, members) => {
    await using engine = await makeHarness();
    expect(await engine.load(tar(members()))).toEqual(["Loaded image: team/app:v1\n"]);
    const image = await engine.images.get("team/app:v1");
    expect<string>(image.id).toBe(BUILT.id);
    expect<readonly string[]>(image.document.rootfs.diff_ids).toEqual(BUILT.diffIDs);
    expect(image.tags).toEqual(["docker.io/team/app:v1"]);
    for (const [index, diffID] of image.document.rootfs.diff_ids.entries()) {
      expect(await engine.content.read(diffID)).toEqual(Buffer.from(BUILT.layers[index] ?? []));
    }
    expect(await engine.content.read(image.id)).toEqual(Buffer.from(BUILT.config));
  });

  test.each([
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ] as const)("reads an archive that is compressed as a whole by %s", async (_name, compress) => {
    await using engine = await makeHarness();
    expect(await engine.load(compress(tar(dockerArchive([SPEC]))))).toEqual(["Loaded image: team/app:v1\n"]);
  });

  test("an archive in pieces of a byte is the same", async () => {
    await using engine = await makeHarness();
    const archive = inPieces(tar(dockerArchive([SPEC])), 1);
    await Array.fromAsync(engine.images.load(archive, { quiet: true }));
    expect<string>((await engine.images.get("team/app:v1")).id).toBe(BUILT.id);
  });

  test("sizes are those of the files, as dockerd counts", async () => {
    await using engine = await makeHarness();
    await engine.load(tar(dockerArchive([SPEC])));
    const image = await engine.images.get("team/app:v1");
    expect(image.layerBytes).toEqual([4 * "base\n".length, 2 * "changed\n".length, 2 * "again\n".length]);
    expect(image.sizeBytes).toBe(48);
  });

  test("several images, tags and shared layers come out of one archive", async () => {
    await using engine = await makeHarness();
    const derived = { ...SPEC, tags: ["b:1", "b:2"], config: { Cmd: ["x"] } };
    const untagged = { ...SPEC, tags: [], config: { Cmd: ["y"] } };
    expect(await engine.load(tar(dockerArchive([SPEC, derived, untagged])))).toEqual([
      "Loaded image: team/app:v1\n",
      "Loaded image: b:1\n",
      "Loaded image: b:2\n",
      `Loaded image ID: ${buildImage(untagged).id}\n`,
    ]);
    expect((await engine.content.list()).length).toBe(3 + 3);
  });

  test("layers that an old docker wrote as links to others are found", async () => {
    await using engine = await makeHarness();
    const [path, other] = [layerPath(BUILT, 0), layerPath(BUILT, 1)];
    const members = dockerArchive([SPEC]).flatMap((member): Member[] => {
      if (member.name === path)
        return [
          { ...member, name: "shared/layer.tar" },
          { ...LINK, name: path },
        ];
      return member.name === other
        ? [
            { ...member, name: "real" },
            { name: other, type: "hardlink", target: "real" },
          ]
        : [member];
    });
    expect(await engine.load(tar(members))).toEqual(["Loaded image: team/app:v1\n"]);
  });

  test("paths are what a file system would make of them", async () => {
    await using engine = await makeHarness();
    const members = dockerArchive([SPEC]).map((member) => ({ ...member, name: `./a/../${member.name}` }));
    expect(await engine.load(tar(members))).toEqual(["Loaded image: team/app:v1\n"]);
  });

  test("an image of an archive from before Docker 1.10 gets a config", async () => {
    await using engine = await makeHarness();
    expect(await engine.load(tar(legacyArchive()))).toEqual(["Loaded image: old:1\n"]);
    const { document } = await engine.images.get("old:1");
    expect<readonly string[]>(document.rootfs.diff_ids).toEqual(BUILT.diffIDs.slice(0, 2));
    expect(document.config?.Cmd).toEqual(["sh"]);
    expect(document.history?.map((step) => step.created_by)).toEqual(["add base", "change"]);
  });

  test("a name moves to the image that was loaded last", async () => {
    await using engine = await makeHarness();
    await engine.load(tar(dockerArchive([SPEC])));
    expect(await engine.load(tar(dockerArchive([{ ...SPEC, config: { Cmd: ["new"] } }])))).toEqual([
      `The image team/app:v1 already exists, renaming the old one with ID ${BUILT.id} to empty string\n`,
      "Loaded image: team/app:v1\n",
    ]);
    expect((await engine.images.get(BUILT.id)).tags).toEqual([]);
  });

  test("loading twice at once ends as loading once", async () => {
    await using engine = await makeHarness();
    const archive = tar(dockerArchive([SPEC]));
    const all = await Promise.all([engine.load(archive), engine.load(archive), engine.load(archive)]);
    expect(all.flat()).toEqual(Array(3).fill("Loaded image: team/app:v1\n"));
    expect(await engine.images.list({ all: true, filters: new Map() })).toHaveLength(1);
  });

  test("of a layout for many platforms this one is taken", async () => {
    await using engine = await makeHarness();
    const name = "docker.io/library/multi:1";
    const arm = { ...SPEC, tags: [name], architecture: "arm64" };
    const amd = { ...SPEC, tags: [name], architecture: "amd64" };
    await engine.load(tar(ociLayout([arm, amd])));
    expect((await engine.images.get("multi:1")).document.architecture).toBe("amd64");
  });

  test("a file that is in the way and no part of an image is passed over", async () => {
    await using engine = await makeHarness();
    const junk = { name: "README", data: Buffer.from("BZh this is not bzip2") };
    expect(await engine.load(tar([junk, ...dockerArchive([SPEC])]))).toEqual(["Loaded image: team/app:v1\n"]);
  });

  test("progress tells of layers, unless it is to be quiet", async () => {
    await using engine = await makeHarness();
    const archive = tar(dockerArchive([SPEC]));
    const progress = await Array.fromAsync(engine.images.load(inPieces(archive), { quiet: false }));
    const layers = progress.filter(({ status }) => status === "Loading layer");
    expect(layers.map(({ id }) => id)).toEqual(BUILT.diffIDs.map((diffID) => diffID.slice(7, 19)));
    expect(layers[0]?.progressDetail).toEqual({ current: 6656, total: 6656 });
    expect(layers[0]?.progress).toContain("6.656kB/6.656kB");
  });

  test("an event tells of each image", async () => {
    await using engine = await makeHarness();
    await engine.load(tar(dockerArchive([{ ...SPEC, config: { Labels: { tier: "front" } } }])));
    const [event] = await engine.events();
    expect(event).toMatchObject({ type: "image", action: "load", attributes: { tier: "front" } });
    expect(event?.attributes.name).toBe(event?.actorID as string);
  });

  test.each(HOSTILE_ARCHIVES.map((archive) => [archive.name, archive] as const))(
    "refuses %s",
    async (_name, hostile) => {
      await using engine = await makeHarness();
      const error = await engine.load(hostile.archive()).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ kind: "invalid-parameter", message: expect.stringMatching(hostile.message) });
      expect(await engine.images.list({ all: true, filters: new Map() })).toEqual([]);
      expect(engine.garbage()).toBe(1);
    },
  );

  test.each(["[]", '{"manifests":"x"}', "{", '{"manifests":[{"digest":"sha256:x"}]}'])(
    "the other half of a Docker archive does not matter: %s",
    async (index) => {
      await using engine = await makeHarness();
      const members = [...dockerArchive([SPEC]), { name: "index.json", data: index }];
      expect(await engine.load(tar(members))).toEqual(["Loaded image: team/app:v1\n"]);
    },
  );

  test("an image whose chain cannot be prepared is not recorded, and the collector may take all of it", async () => {
    const failure = new EngineError("invalid-parameter", "malformed tar");
    await using engine = await makeHarness(() => Promise.reject(failure));
    await expect(engine.load(tar(dockerArchive([SPEC])))).rejects.toBe(failure);
    expect(await engine.images.find("team/app:v1")).toBeUndefined();
    expect(engine.images.usedChains().size).toBe(0);
    for (const digest of await engine.content.list()) {
      expect(await engine.content.collect(digest, () => engine.images.usesBlob(digest))).toBe(true);
    }
  });

  test("while a chain is prepared neither it nor the layers are collected", async () => {
    const preparing = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    await using engine = await makeHarness(async (chain) => {
      preparing.resolve();
      await go.promise;
      return chainIDOf(chain);
    });
    const loading = engine.load(tar(dockerArchive([SPEC])));
    await preparing.promise;
    expect(engine.images.usedChains()).toEqual(new Set([chainIDOf(BUILT.diffIDs as DiffID[])]));
    for (const digest of BUILT.diffIDs as DiffID[]) {
      expect(await engine.content.collect(digest, () => engine.images.usesBlob(digest))).toBe(false);
    }
    go.resolve();
    expect(await loading).toEqual(["Loaded image: team/app:v1\n"]);
  });

  test("what came before the failure stays", async () => {
    await using engine = await makeHarness();
    const bad = { ...SPEC, tags: ["bad:1"], document: { os: "windows" } };
    await expect(engine.load(tar(dockerArchive([SPEC, bad])))).rejects.toMatchObject({ kind: "invalid-parameter" });
    expect((await engine.images.get("team/app:v1")).tags).toHaveLength(1);
    expect(await engine.images.find("bad:1")).toBeUndefined();
  });

  test("a client that hangs up ends it", async () => {
    await using engine = await makeHarness();
    const hangUp = new AbortController();
    async function* slow() {
      yield tar(dockerArchive([SPEC])).subarray(0, 2000);
      hangUp.abort();
      yield new Uint8Array(2000);
    }
    const loading = Array.fromAsync(engine.images.load(slow(), { quiet: true, signal: hangUp.signal }));
    await expect(loading).rejects.toMatchObject({ kind: "canceled" });
  });

  test("a reader who leaves ends it, and nothing of it stays", async () => {
    await using engine = await makeHarness();
    for await (const _ of engine.images.load(inPieces(tar(dockerArchive([SPEC])), 512), { quiet: false })) break;
    expect(await engine.images.list({ all: true, filters: new Map() })).toEqual([]);
  });
});

const LINK = { type: "symlink", target: "../shared/layer.tar" } as const;

function legacyArchive(): Member[] {
  const [base, top] = ["a".repeat(64), "b".repeat(64)];
  const json = (fields: object) => JSON.stringify({ os: "linux", architecture: "amd64", ...fields });
  return [
    { name: `${base}/json`, data: json({ id: base, container_config: { Cmd: ["add", "base"] } }) },
    { name: `${base}/layer.tar`, data: BUILT.layers[0] as Uint8Array },
    {
      name: `${top}/json`,
      data: json({ id: top, parent: base, container_config: { Cmd: ["change"] }, config: { Cmd: ["sh"] } }),
    },
    { name: `${top}/layer.tar`, data: BUILT.layers[1] as Uint8Array },
    { name: "repositories", data: JSON.stringify({ old: { "1": top } }) },
  ];
}
