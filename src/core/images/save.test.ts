import { describe, expect, test } from "bun:test";
import { buildImage, dockerArchive, hex, layeredImage, ociLayout, sha256, tar } from "#fixtures";
import { textOf } from "#lib/fs";
import { readTar } from "#lib/tar";
import { type Harness, inPieces, makeHarness } from "./_harness.ts";

const APP = { ...layeredImage("team/app:v1"), tags: ["team/app:v1", "team/app:v2", "other:1"] };
const BUILT = buildImage(APP);

async function save(engine: Harness, references: readonly string[]): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(await engine.images.save(references)));
}

async function filesOf(archive: Uint8Array): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const { entry, body } of readTar(inPieces(archive))) {
    files.set(textOf(entry.name), Buffer.concat(await Array.fromAsync(body)));
  }
  return files;
}

async function jsonOf(archive: Uint8Array, name: string): Promise<unknown> {
  return JSON.parse((await filesOf(archive)).get(name)?.toString() ?? "null");
}

async function withApp(): Promise<Harness> {
  const engine = await makeHarness();
  await engine.load(tar(dockerArchive([APP])));
  return engine;
}

describe("save()", () => {
  test("writes what docker save writes", async () => {
    await using engine = await withApp();
    const archive = await save(engine, ["team/app:v1"]);
    const files = await filesOf(archive);
    const layers = BUILT.diffIDs.map((diffID, index) => ({
      mediaType: "application/vnd.oci.image.layer.v1.tar",
      digest: diffID,
      size: BUILT.layers[index]?.byteLength,
    }));
    const manifest = {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: {
        mediaType: "application/vnd.oci.image.config.v1+json",
        digest: BUILT.id,
        size: BUILT.config.byteLength,
      },
      layers,
    };
    const manifestDigest = sha256(Buffer.from(JSON.stringify(manifest)));
    const blobs = [...BUILT.diffIDs, BUILT.id, manifestDigest].map((digest) => `blobs/sha256/${hex(digest)}`).sort();
    expect([...files.keys()]).toEqual([
      "blobs/",
      "blobs/sha256/",
      ...blobs,
      "index.json",
      "manifest.json",
      "oci-layout",
      "repositories",
    ]);
    expect(await jsonOf(archive, `blobs/sha256/${hex(manifestDigest)}`)).toEqual(manifest);
    expect(await jsonOf(archive, "manifest.json")).toEqual([
      {
        Config: `blobs/sha256/${hex(BUILT.id)}`,
        RepoTags: ["team/app:v1"],
        Layers: BUILT.diffIDs.map((diffID) => `blobs/sha256/${hex(diffID)}`),
        LayerSources: Object.fromEntries(layers.map((layer) => [layer.digest, layer])),
      },
    ]);
    expect(await jsonOf(archive, "index.json")).toEqual({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [
        {
          mediaType: manifest.mediaType,
          digest: manifestDigest,
          size: JSON.stringify(manifest).length,
          annotations: {
            "io.containerd.image.name": "docker.io/team/app:v1",
            "org.opencontainers.image.ref.name": "v1",
          },
        },
      ],
    });
    expect(await jsonOf(archive, "repositories")).toEqual({ "team/app": { v1: hex(BUILT.diffIDs[2] ?? "") } });
  });

  test("what is saved loads as the same image, and saves as the same bytes", async () => {
    await using engine = await withApp();
    await using other = await makeHarness();
    const archive = await save(engine, ["team/app:v1"]);
    expect(await other.load(archive)).toEqual(["Loaded image: team/app:v1\n"]);
    expect((await save(other, ["team/app:v1"])).equals(archive)).toBe(true);
  });

  test("a manifest that came with the image goes with it", async () => {
    const members = ociLayout([{ ...APP, tags: ["docker.io/team/app:v1"] }]).map((member) => member);
    await using engine = await makeHarness();
    await engine.load(tar(members));
    const index = JSON.parse(String(members[1]?.data)) as { manifests: { digest: string }[] };
    const digest = index.manifests[0]?.digest ?? "";
    expect((await filesOf(await save(engine, ["team/app:v1"]))).has(`blobs/sha256/${hex(digest)}`)).toBe(true);
  });

  test.each([
    ["a repository means its tags", ["team/app"], ["team/app:v1", "team/app:v2"]],
    ["several references to one image make one entry", ["team/app:v2", "other:1"], ["team/app:v2", "other:1"]],
    ["a reference that comes twice counts once", ["other:1", "other:1"], ["other:1"]],
    ["an ID takes no name along", [BUILT.id], null],
    ["the beginning of an ID takes none either", [hex(BUILT.id).slice(0, 8)], null],
  ])("%s", async (_name, references, tags) => {
    await using engine = await withApp();
    const manifest = (await jsonOf(await save(engine, references), "manifest.json")) as { RepoTags: unknown }[];
    expect(manifest.map((item) => item.RepoTags)).toEqual([tags]);
  });

  test("layers that images share are there once", async () => {
    await using engine = await makeHarness();
    const derived = { ...APP, tags: ["b:1"], config: { Cmd: ["x"] } };
    await engine.load(tar(dockerArchive([APP, derived])));
    const files = await filesOf(await save(engine, ["team/app:v1", "b:1"]));
    expect([...files.keys()].filter((name) => /[a-f0-9]{64}$/.test(name))).toHaveLength(3 + 2 + 2);
  });

  test("tells of each image once all is out", async () => {
    await using engine = await withApp();
    await save(engine, ["team/app:v1"]);
    const events = await engine.events();
    expect(events.map((event) => event.action)).toEqual(["load", "save"]);
    expect(events[1]?.attributes.name).toBe(BUILT.id);
  });

  test.each([
    ["nosuch", "No such image: nosuch"],
    ["nosuch:1", "reference does not exist"],
    ["12345678", "No such image: 12345678"],
    ["team/app:nosuch", "reference does not exist"],
    ["A", "invalid reference format: repository name (library/A) must be lowercase"],
  ])("%s is refused before anything is written", async (reference, message) => {
    await using engine = await withApp();
    await expect(engine.images.save(["team/app:v1", reference])).rejects.toThrow(new Error(message));
  });

  test("what is being saved is not collected meanwhile", async () => {
    await using engine = await withApp();
    const stream = (await engine.images.save(["team/app:v1"]))[Symbol.asyncIterator]();
    await stream.next();
    await engine.images.remove(BUILT.id, { force: true, prune: true });
    for (const digest of await engine.content.list()) {
      await engine.content.collect(digest, () => engine.images.usesBlob(digest));
    }
    let bytes = 0;
    for (let next = await stream.next(); !next.done; next = await stream.next()) bytes += next.value.byteLength;
    expect(bytes).toBeGreaterThan(BUILT.layers.reduce((sum, layer) => sum + layer.byteLength, 0));
    await engine.content.collect(BUILT.id as never, () => false);
    expect(await engine.content.has(BUILT.id as never)).toBe(false);
  });
});
