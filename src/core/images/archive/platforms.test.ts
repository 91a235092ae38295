/** Archives that hold an image for several platforms, into the engine and out of it. */
import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type Digest, type Index, type Manifest, type Platform, parseDigest } from "#api/oci";
import { digestOf } from "#core/content";
import {
  buildImage,
  dockerArchive,
  hex,
  type ImageSpec,
  layeredImage,
  type Member,
  ociIndex,
  sha256,
  tar,
} from "#fixtures";
import { textOf } from "#lib/fs";
import { readTar } from "#lib/tar";
import { type Harness, inPieces, makeHarness, streamLines } from "../_harness.ts";

const NAME = "docker.io/library/multi:1";
const SPEC = layeredImage("multi:1");
const AMD: ImageSpec = { ...SPEC, architecture: "amd64" };
const ARM: ImageSpec = { ...SPEC, architecture: "arm64", layers: SPEC.layers.slice(0, 2) };
const WINDOWS: ImageSpec = { ...SPEC, document: { os: "windows" } };
const GZIP = { suffix: "+gzip", compress: (layer: Uint8Array) => gzipSync(layer) };

const ATTESTATION = { config: "{}", layers: ['{"predicateType":"x"}'], attests: 0 };
const CHART = {
  config: '{"name":"chart"}',
  layers: [randomBytes(300_000).toString("latin1"), "small"],
  artifactType: "x/y",
};

const linux = (architecture: string): Platform => ({ os: "linux", architecture });

async function load(engine: Harness, members: readonly Member[], platforms?: readonly Platform[]): Promise<string[]> {
  const options = { quiet: true, ...(platforms ? { platforms } : {}) };
  return streamLines(await Array.fromAsync(engine.images.load(inPieces(tar([...members])), options)));
}

async function save(engine: Harness, names: readonly string[], platforms?: readonly Platform[]): Promise<Member[]> {
  const stream = await engine.images.save(names, platforms ? { platforms } : {});
  const members: Member[] = [];
  for await (const { entry, body } of readTar(stream)) {
    const data = Buffer.concat(await Array.fromAsync(body));
    members.push({ name: textOf(entry.name), ...(entry.type === "directory" ? { type: "directory" } : { data }) });
  }
  return members;
}

function json<T>(members: readonly Member[], name: string): T {
  return JSON.parse(String(members.find((member) => member.name === name)?.data)) as T;
}

async function platformsOf(engine: Harness, name: string): Promise<string[]> {
  const found: string[] = [];
  for (const platform of ["amd64", "arm64", "s390x"].map(linux)) {
    const image = await engine.images.get(name, { platform }).catch(() => undefined);
    if (image) found.push(image.document.architecture);
  }
  return found;
}

/** Every blob that no record refers to goes, as the collector would have it. */
async function collect(engine: Harness): Promise<Digest[]> {
  for (const digest of await engine.content.list())
    await engine.content.collect(digest, () => engine.images.usesBlob(digest));
  return await engine.content.list();
}

describe("load()", () => {
  test("keeps all images of an index, and the host's is what the name means", async () => {
    await using engine = await makeHarness();
    const { members } = ociIndex(NAME, [ARM, AMD], { compression: GZIP });
    expect(await load(engine, members)).toEqual(["Loaded image: multi:1\n"]);
    expect(await platformsOf(engine, "multi:1")).toEqual(["amd64", "arm64"]);
    expect<string>((await engine.images.get("multi:1")).id).toBe(buildImage(AMD).id);
  });

  test("takes the platforms that were asked for", async () => {
    await using engine = await makeHarness();
    const { members } = ociIndex(NAME, [ARM, AMD]);
    await load(engine, members, [linux("arm64")]);
    expect(await platformsOf(engine, "multi:1")).toEqual(["arm64"]);
    await expect(load(engine, members, [linux("s390x")])).rejects.toMatchObject({
      kind: "not-found",
      message: "archive holds no image for platform linux/s390x",
    });
  });

  test("takes of a Docker archive what was asked for", async () => {
    await using engine = await makeHarness();
    const archive = dockerArchive([AMD, { ...ARM, tags: ["arm:1"] }]);
    expect(await load(engine, archive, [linux("arm64")])).toEqual(["Loaded image: arm:1\n"]);
  });

  test("takes what is there of an index that was copied in part", async () => {
    await using engine = await makeHarness();
    const { members } = ociIndex(NAME, [ARM, AMD]);
    const gone = new Set([buildImage(AMD).id, buildImage(AMD).diffIDs[2] ?? ""].map((id) => `blobs/sha256/${hex(id)}`));
    await load(
      engine,
      members.filter(({ name }) => !gone.has(name)),
    );
    expect(await platformsOf(engine, "multi:1")).toEqual(["arm64"]);
  });

  test("says what is missing of an index of which nothing is whole", async () => {
    await using engine = await makeHarness();
    const { members } = ociIndex(NAME, [AMD]);
    const config = `blobs/sha256/${hex(buildImage(AMD).id)}`;
    await expect(
      load(
        engine,
        members.filter(({ name }) => name !== config),
      ),
    ).rejects.toThrow(`no such file in archive: ${config}`);
  });

  test("keeps attestations, artifacts and images for other systems as they are", async () => {
    await using engine = await makeHarness();
    const { members, digest } = ociIndex(NAME, [AMD, WINDOWS], { compression: GZIP, artifacts: [ATTESTATION, CHART] });
    await load(engine, members);
    const left = await collect(engine);
    expect(left).toContain(parseDigest(digest));
    for (const text of [ATTESTATION.layers[0] ?? "", ...CHART.layers]) expect(left).toContain(digestOf(text) as Digest);
    expect(left).toContain(parseDigest(buildImage(WINDOWS).id));
    expect(await engine.images.list({ all: true, filters: new Map() })).toHaveLength(1);
    await engine.images.remove("multi:1", { force: true, prune: true });
    expect(await collect(engine)).toEqual([]);
  });

  test("leaves out what attests an image that was not asked for", async () => {
    await using engine = await makeHarness();
    const { members } = ociIndex(NAME, [AMD, ARM], { artifacts: [ATTESTATION] });
    await load(engine, members, [linux("arm64")]);
    expect(await collect(engine)).not.toContain(digestOf(ATTESTATION.layers[0] ?? ""));
  });

  test("holds several manifests of one name together that no index lists", async () => {
    await using engine = await makeHarness();
    const { members } = ociIndex(NAME, [ARM, AMD]);
    const top = json<Index>(members, "index.json").manifests[0];
    const index = json<Index>(members, `blobs/sha256/${hex(top?.digest ?? "")}`);
    const manifests = index.manifests.map((entry) => ({ ...entry, annotations: top?.annotations }));
    const flat = members.map((member) =>
      member.name === "index.json" ? { ...member, data: JSON.stringify({ schemaVersion: 2, manifests }) } : member,
    );
    expect(await load(engine, flat)).toEqual(["Loaded image: multi:1\n"]);
    expect(await platformsOf(engine, "multi:1")).toEqual(["amd64", "arm64"]);
  });

  test("refuses a layer that is not the one its manifest lists, though its content is right", async () => {
    await using engine = await makeHarness();
    const { members } = ociIndex(NAME, [AMD], { compression: GZIP });
    const layer = gzipSync(SPEC.layers[0] as Uint8Array);
    const other = gzipSync(SPEC.layers[0] as Uint8Array, { level: 1 });
    const swapped = members.map((member) =>
      member.name === `blobs/sha256/${hex(sha256(layer))}` ? { ...member, data: other } : member,
    );
    expect(sha256(other)).not.toBe(sha256(layer));
    await expect(load(engine, swapped)).rejects.toThrow(/invalid digest of blob/);
    expect(await collect(engine)).toEqual([]);
  });

  test("an index that lists itself over others is only so deep", async () => {
    await using engine = await makeHarness();
    let { members, digest } = ociIndex(NAME, [AMD]);
    for (let depth = 0; depth < 5; depth++) {
      const manifests = [
        { mediaType: "application/vnd.oci.image.index.v1+json", digest, size: sizeOf(members, digest) },
      ];
      const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
      digest = sha256(bytes);
      const top = { manifests: [{ ...manifests[0], digest, size: bytes.byteLength }], schemaVersion: 2 };
      members = [
        ...members.filter(({ name }) => name !== "index.json"),
        { name: `blobs/sha256/${hex(digest)}`, data: bytes },
        { name: "index.json", data: JSON.stringify(top) },
      ];
    }
    await expect(load(engine, members)).rejects.toThrow(/more than 4 deep/);
  });

  test("ten thousand small files that are no part of an image leave nothing and cost little", async () => {
    await using engine = await makeHarness();
    const junk = Array.from({ length: 10_000 }, (_, index): Member => ({ name: `junk/${index}`, data: `x${index}` }));
    expect(await load(engine, [...junk, ...dockerArchive([AMD])])).toEqual(["Loaded image: multi:1\n"]);
    expect((await engine.content.list()).length).toBe(4);
  });
});

describe("save()", () => {
  test("writes all images of a name, and the same bytes again when they come back", async () => {
    await using engine = await makeHarness();
    await using other = await makeHarness();
    await load(engine, ociIndex(NAME, [ARM, AMD], { compression: GZIP }).members);
    const saved = await save(engine, ["multi:1"]);
    const top = json<Index>(saved, "index.json").manifests;
    expect(top).toHaveLength(1);
    const index = json<Index>(saved, `blobs/sha256/${hex(top[0]?.digest ?? "")}`);
    expect(index.manifests.map(({ platform }) => platform?.architecture)).toEqual(["amd64", "arm64"]);
    expect(json<{ Config: string }[]>(saved, "manifest.json").map(({ Config }) => Config)).toEqual([
      `blobs/sha256/${hex(buildImage(AMD).id)}`,
    ]);
    expect(await load(other, saved)).toEqual(["Loaded image: multi:1\n"]);
    expect(await platformsOf(other, "multi:1")).toEqual(["amd64", "arm64"]);
    expect(await save(other, ["multi:1"])).toEqual(saved);
  });

  test("an index whose layers were not compressed goes out as it came, with what it lists besides images", async () => {
    await using engine = await makeHarness();
    const { members, digest } = ociIndex(NAME, [AMD, ARM], { artifacts: [ATTESTATION, CHART] });
    await load(engine, members);
    const saved = await save(engine, ["multi:1"]);
    expect<string | undefined>(json<Index>(saved, "index.json").manifests[0]?.digest).toBe(digest);
    const blobs = (all: readonly Member[]) =>
      all
        .map(({ name }) => name)
        .filter((name) => /[a-f0-9]{64}$/.test(name))
        .sort();
    expect(blobs(saved)).toEqual(blobs(members));
  });

  test("writes the platforms that were asked for", async () => {
    await using engine = await makeHarness();
    await load(engine, ociIndex(NAME, [AMD, ARM]).members);
    const saved = await save(engine, ["multi:1"], [linux("arm64")]);
    const [top] = json<Index>(saved, "index.json").manifests;
    const manifest = json<Manifest>(saved, `blobs/sha256/${hex(top?.digest ?? "")}`);
    expect<string>(manifest.config.digest).toBe(buildImage(ARM).id);
    await expect(save(engine, ["multi:1"], [linux("s390x")])).rejects.toMatchObject({
      kind: "not-found",
      message: "no suitable export target found for platform linux/s390x",
    });
    await expect(save(engine, [buildImage(AMD).id], [linux("arm64")])).rejects.toMatchObject({ kind: "not-found" });
  });

  test("by an ID it writes one image without a name", async () => {
    await using engine = await makeHarness();
    await load(engine, ociIndex(NAME, [AMD, ARM]).members);
    const saved = await save(engine, [buildImage(ARM).id]);
    expect(json<{ RepoTags: unknown }[]>(saved, "manifest.json")).toMatchObject([{ RepoTags: null }]);
  });
});

function sizeOf(members: readonly Member[], digest: string): number {
  const member = members.find(({ name }) => name === `blobs/sha256/${hex(digest)}`);
  return Buffer.from(member?.data ?? "").byteLength;
}
