import { describe, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { type Descriptor, type Digest, hexOf, MEDIA_TYPES } from "#api/oci";
import { buildImage, dockerArchive, layeredImage, tar } from "#fixtures";
import { EngineError } from "#lib/errors";
import { gzip } from "./_fake-registry.ts";
import { type Harness, inPieces, makeHarness } from "./_harness.ts";
import type { ImageID, Progress, PushOptions } from "./image.ts";

const NAME = "r.test/team/app";
/** Another repository of the same registry, and one of another. */
const NEAR = "r.test/near/copy";
const FAR = "far.test/copy";
const [BASE, TOP] = layeredImage("base:1").layers as [Uint8Array, Uint8Array];
/** More than one member of the compressed form. */
const BIG = tar([{ name: "big", data: Buffer.alloc(2_500_000, "many words ") }]);

const specOf = (label: string, layers = [BASE, TOP]) => ({
  layers,
  architecture: "amd64",
  config: { Labels: { of: label } },
});
const short = (digest: string) => hexOf(digest as Digest).slice(0, 12);
const lines = (progress: readonly Progress[]) =>
  progress.flatMap(({ status, id }) => (status === undefined ? [] : [id ? `${id}: ${status}` : status]));
const auxOf = (progress: readonly Progress[]) => progress.flatMap(({ aux }) => (aux === undefined ? [] : [aux]));
const uploads = (requests: readonly string[]) => requests.filter((request) => request.includes(": upload"));

/** With an image from an archive: its layers were never at a registry. */
async function withLocal(...names: string[]): Promise<Harness> {
  const engine = await makeHarness();
  await engine.load(tar(dockerArchive([{ ...specOf("local", [BASE, TOP, BIG]), tags: names }])));
  return engine;
}

/** With one that was pulled, and its digest. */
async function withPulled(put: (engine: Harness) => Descriptor, platform?: string) {
  const engine = await makeHarness();
  const { digest } = put(engine);
  await Array.fromAsync(engine.images.pull(`${NAME}:1`, platform === undefined ? {} : { platform }));
  engine.registries.takeRequests();
  return { engine, digest };
}

const putSingle = ({ registries }: Harness) => registries.putImage(NAME, buildImage(specOf("one")), { tag: "1" });

function putMulti({ registries }: Harness): Descriptor {
  const of = (architecture: string) => ({
    ...registries.putImage(NAME, buildImage({ ...specOf("multi"), architecture })),
    platform: { os: "linux", architecture },
  });
  return registries.putIndex(NAME, [of("arm64"), of("amd64")], "1");
}

function push(engine: Harness, reference: string, options: PushOptions = {}): Promise<Progress[]> {
  return Array.fromAsync(engine.images.push(reference, options));
}

function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (error: Error) => error.message,
  );
}

const tagged = (engine: Harness, name: string, tag: string) => engine.registries.of(name).tags.get(tag);

describe("push() of what was made here", () => {
  test("says what Docker says, and has the image at the registry then", async () => {
    await using engine = await withLocal(`${NAME}:1`);
    const said = await push(engine, `${NAME}:1`);
    const [base, top, big] = buildImage(specOf("local", [BASE, TOP, BIG])).diffIDs.map(short);
    expect(said.slice(0, 4)).toEqual([
      { status: `The push refers to repository [${NAME}]` },
      { status: "Preparing", progressDetail: {}, id: big as string },
      { status: "Preparing", progressDetail: {}, id: top as string },
      { status: "Preparing", progressDetail: {}, id: base as string },
    ]);
    for (const id of [base, top, big]) expect(lines(said).filter((line) => line === `${id}: Pushed`)).toHaveLength(1);
    const digest = tagged(engine, NAME, "1") as Digest;
    const manifest = engine.registries.of(NAME).manifests.get(digest);
    expect(manifest?.mediaType).toBe(MEDIA_TYPES.dockerManifest);
    expect(said.slice(-2)).toEqual([
      { status: `1: digest: ${digest} size: ${manifest?.bytes.byteLength}` },
      { progressDetail: {}, aux: { Tag: "1", Digest: digest, Size: manifest?.bytes.byteLength } },
    ]);
    expect((await engine.images.get(`${NAME}:1`)).digests).toEqual([`${NAME}@${digest}`]);
    expect((await engine.events()).at(-1)).toMatchObject({
      action: "push",
      actorID: `${NAME}:1`,
      attributes: { name: NAME, of: "local" },
    });
  });

  test("sends the layers, compressed, and nothing of them is garbage", async () => {
    await using engine = await withLocal(`${NAME}:1`);
    await push(engine, `${NAME}:1`);
    const layers = [...engine.registries.of(NAME).blobs.values()].filter((blob) => blob[0] === 0x1f);
    expect(layers.map((layer) => gunzipSync(layer)).toSorted((a, b) => a.byteLength - b.byteLength)).toEqual(
      [BASE, TOP, BIG].map((layer) => Buffer.from(layer)).toSorted((a, b) => a.byteLength - b.byteLength),
    );
    for (const digest of await engine.content.list()) expect(engine.images.usesBlob(digest)).toBe(true);
  });

  test("another machine gives the same layers and the same manifest", async () => {
    await using one = await withLocal(`${NAME}:1`);
    await using other = await withLocal(`${NAME}:1`);
    for (const engine of [one, other]) await push(engine, `${NAME}:1`);
    expect(tagged(one, NAME, "1")).toBe(tagged(other, NAME, "1") as Digest);
  });

  test("what did not change is only asked for", async () => {
    await using engine = await withLocal(`${NAME}:1`);
    const first = await push(engine, `${NAME}:1`);
    engine.registries.takeRequests();
    const second = await push(engine, `${NAME}:1`);
    expect(lines(second).filter((line) => line.endsWith("Layer already exists"))).toHaveLength(3);
    expect(second.at(-1)).toEqual(first.at(-1) as Progress);
    expect(engine.registries.takeRequests().map((line) => line.split(": ")[1]?.split(" ")[0])).toEqual([
      "has",
      "has",
      "has",
      "has",
      "put",
    ]);
  });

  test("its bytes are kept for a while, and then made again as they were", async () => {
    await using engine = await withLocal(`${NAME}:1`, `${FAR}:1`);
    await push(engine, `${NAME}:1`);
    const before = await engine.content.list();
    engine.passHours(25);
    engine.images.forgetRemoved();
    const gone = before.filter((digest) => !engine.images.usesBlob(digest));
    expect(gone).toHaveLength(3);
    for (const digest of gone) await engine.content.remove(digest);
    // Nothing can be carried over from the first registry.
    engine.registries.of(NAME).blobs.clear();
    await push(engine, `${FAR}:1`);
    expect(tagged(engine, FAR, "1")).toBe(tagged(engine, NAME, "1") as Digest);
  });

  test("another repository of the registry mounts the layers", async () => {
    await using engine = await withLocal(`${NAME}:1`, `${NEAR}:1`);
    await push(engine, `${NAME}:1`);
    engine.registries.takeRequests();
    const said = lines(await push(engine, `${NEAR}:1`));
    expect(said.filter((line) => line.endsWith("Mounted from team/app"))).toHaveLength(3);
    expect(uploads(engine.registries.takeRequests())).toEqual([]);
    expect(tagged(engine, NEAR, "1")).toBe(tagged(engine, NAME, "1") as Digest);
  });

  test("all tags of the repository go, each with its digest", async () => {
    await using engine = await withLocal(`${NAME}:1`, `${NAME}:2`, "other:1");
    const said = await push(engine, NAME, { allTags: true });
    expect(auxOf(said)).toMatchObject([{ Tag: "1" }, { Tag: "2" }]);
    expect([...engine.registries.of(NAME).tags.keys()]).toEqual(["1", "2"]);
  });

  test.each([
    ["r.test/nosuch:1", "An image does not exist locally with the tag: r.test/nosuch"],
    [`${NAME}:nosuch`, `tag does not exist: ${NAME}:nosuch`],
    [`${NAME}@sha256:${"0".repeat(64)}`, "cannot push a digest reference"],
  ])("%s is refused", async (reference, message) => {
    await using engine = await withLocal(`${NAME}:1`);
    expect(await refusal(push(engine, reference))).toBe(message);
    expect(engine.registries.takeRequests()).toEqual([]);
  });

  test("a platform that is not here is refused before anything is said", async () => {
    await using engine = await withLocal(`${NAME}:1`);
    expect(() => engine.images.push(`${NAME}:1`, { platform: { os: "linux", architecture: "arm64" } })).toThrow(
      `image with reference ${NAME}:1 was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)`,
    );
  });
});

describe("push() of what was pulled", () => {
  test("keeps its digest in the repository it came from", async () => {
    const { engine, digest } = await withPulled(putSingle);
    await using _ = engine;
    const said = await push(engine, `${NAME}:1`);
    expect(auxOf(said)).toMatchObject([{ Digest: digest }]);
    expect(uploads(engine.registries.takeRequests())).toEqual([]);
  });

  test.each([NEAR, FAR])("keeps its digest at %s, and so does a pull from there", async (name) => {
    const { engine, digest } = await withPulled(putSingle);
    await using _ = engine;
    await engine.images.tag(`${NAME}:1`, `${name}:2`);
    expect(auxOf(await push(engine, `${name}:2`))).toMatchObject([{ Digest: digest }]);
    const { digests } = await engine.images.get(`${name}:2`);
    expect(digests.toSorted()).toEqual([`${NAME}@${digest}`, `${name}@${digest}`].toSorted());
    for (const tag of [`${NAME}:1`, `${name}:2`]) await engine.images.remove(tag, { force: false, prune: true });
    await Array.fromAsync(engine.images.pull(`${name}:2`, {}));
    expect((await engine.images.get(`${name}:2`)).digests).toEqual([`${name}@${digest}`]);
  });

  test("is compressed anew where its own layers cannot be had any more", async () => {
    const { engine, digest } = await withPulled(putSingle);
    await using _ = engine;
    engine.registries.of(NAME).blobs.clear();
    await engine.images.tag(`${NAME}:1`, `${FAR}:1`);
    const [result] = auxOf(await push(engine, `${FAR}:1`)) as { Digest: Digest }[];
    expect(result?.Digest).not.toBe(digest);
    expect(engine.registries.of(FAR).blobs.has((await engine.images.get(`${FAR}:1`)).id)).toBe(true);
  });

  test("an index goes whole where its platforms are at the registry", async () => {
    const { engine, digest } = await withPulled(putMulti);
    await using _ = engine;
    await engine.images.tag(`${NAME}:1`, `${NEAR}:1`);
    expect(auxOf(await push(engine, `${NEAR}:1`))).toMatchObject([{ Digest: digest }]);
    expect(engine.registries.of(NEAR).manifests.size).toBe(3);
    expect(uploads(engine.registries.takeRequests())).toEqual([]);
  });

  test("an index goes whole where all of it is here", async () => {
    await using engine = await makeHarness();
    const { digest } = putMulti(engine);
    await Array.fromAsync(engine.images.pull(`${NAME}:1`, { allPlatforms: true }));
    await engine.images.tag(`${NAME}:1`, `${FAR}:1`);
    expect(auxOf(await push(engine, `${FAR}:1`))).toMatchObject([{ Digest: digest }]);
    expect((await engine.images.get(`${FAR}:1`)).digests).toContain(`${FAR}@${digest}`);
  });

  test("of an index that cannot go whole its only image goes, with a note", async () => {
    const { engine, digest } = await withPulled(putMulti);
    await using _ = engine;
    await engine.images.tag(`${NAME}:1`, `${FAR}:1`);
    const [note, result] = auxOf(await push(engine, `${FAR}:1`)) as Record<string, unknown>[];
    expect(note).toMatchObject({ manifestPushedInsteadOfIndex: true, originalIndex: { digest } });
    expect(note?.selectedManifest).toMatchObject({ digest: result?.Digest });
    expect((await engine.images.get(`${FAR}:1`)).digests).toContain(`${FAR}@${result?.Digest}`);
  });

  test("of an index with several images but not all of them, one has to be chosen", async () => {
    await using engine = await makeHarness();
    const of = (architecture: string) => ({
      ...engine.registries.putImage(NAME, buildImage({ ...specOf("multi"), architecture })),
      platform: { os: "linux", architecture },
    });
    const { digest } = engine.registries.putIndex(NAME, [of("arm64"), of("amd64"), of("s390x")], "1");
    for (const platform of ["arm64", "amd64"]) await Array.fromAsync(engine.images.pull(`${NAME}:1`, { platform }));
    await engine.images.tag(`${NAME}:1`, `${FAR}:1`);
    expect(await refusal(push(engine, `${FAR}:1`))).toMatch(/^manifest sha256:\w+ is neither here nor at the registry/);
    const chosen = await push(engine, `${FAR}:1`, { platform: { os: "linux", architecture: "arm64" } });
    const [result] = auxOf(chosen) as { Digest: Digest }[];
    expect(result?.Digest).not.toBe(digest);
    expect(engine.registries.of(FAR).manifests.has(result?.Digest as Digest)).toBe(true);
  });
});

describe("what goes wrong", () => {
  test("a failure of the registry ends it, and the next push sends only the rest", async () => {
    await using engine = await withLocal(`${NAME}:1`);
    let sent = 0;
    engine.registries.before = (what) => {
      if (what.startsWith("upload") && ++sent > 2) throw new EngineError("unavailable", "the registry is full");
    };
    expect(await refusal(push(engine, `${NAME}:1`))).toBe("the registry is full");
    expect(tagged(engine, NAME, "1")).toBeUndefined();
    engine.registries.before = () => {};
    engine.registries.takeRequests();
    await push(engine, `${NAME}:1`);
    expect(uploads(engine.registries.takeRequests()).length).toBeLessThan(4);
  });

  test("cancelling it leaves no tag and no garbage", async () => {
    await using engine = await withLocal(`${NAME}:1`);
    const controller = new AbortController();
    engine.registries.before = (what) => void (what.startsWith("sent") && controller.abort());
    expect(await refusal(push(engine, `${NAME}:1`, { signal: controller.signal }))).toBe("context canceled");
    expect(tagged(engine, NAME, "1")).toBeUndefined();
    for (const digest of await engine.content.list()) expect(engine.images.usesBlob(digest)).toBe(true);
  });

  test("an image that is removed while it is pushed is pushed all the same, and does not come back", async () => {
    await using engine = await withLocal(`${NAME}:1`);
    const { id } = await engine.images.get(`${NAME}:1`);
    engine.registries.before = async (what) => {
      if (what.startsWith("put")) await engine.images.remove(id, { force: true, prune: true });
    };
    await push(engine, `${NAME}:1`);
    expect(tagged(engine, NAME, "1")).toBeDefined();
    expect(await engine.images.find(`${NAME}:1`)).toBeUndefined();
    for (const digest of await engine.content.list()) expect(engine.images.usesBlob(digest)).toBe(false);
  });

  test("no more blobs go at once than the setting says", async () => {
    await using engine = await makeHarness();
    const many = Array.from({ length: 9 }, (_, index) => tar([{ name: `f${index}`, data: Buffer.alloc(5000, index) }]));
    await engine.load(tar(dockerArchive([{ ...specOf("many", many), tags: [`${NAME}:1`] }])));
    let [now, most] = [0, 0];
    engine.registries.before = async (what) => {
      if (!what.startsWith("upload")) return;
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
    };
    const said = await push(engine, `${NAME}:1`);
    expect(most).toBeLessThanOrEqual(engine.registries.settings.maxConcurrentUploads);
    expect(lines(said).some((line) => line.endsWith("Waiting"))).toBe(true);
  });
});

test("remoteManifest() tells the platforms of an index and of an image", async () => {
  await using engine = await makeHarness();
  const index = putMulti(engine);
  const image = engine.registries.putImage(NAME, buildImage(specOf("one")), { tag: "2" });
  const ask = (reference: string) => engine.images.remoteManifest(reference, { signal: new AbortController().signal });
  expect(await ask(`${NAME}:1`)).toEqual({
    descriptor: index,
    platforms: ["arm64", "amd64"].map((architecture) => ({ os: "linux", architecture })),
  });
  expect(await ask(`${NAME}@${image.digest}`)).toEqual({
    descriptor: image,
    platforms: [{ os: "linux", architecture: "amd64" }],
  });
});

test("a layer that one image shares with another is known by the form it was pulled in", async () => {
  const { engine } = await withPulled(putSingle);
  await using _ = engine;
  await engine.load(tar(dockerArchive([{ ...specOf("built", [BASE, BIG]), tags: [`${NEAR}:1`] }])));
  const said = lines(await push(engine, `${NEAR}:1`));
  expect(said.filter((line) => line.endsWith("Mounted from team/app"))).toHaveLength(1);
  const digests = [...engine.registries.of(NEAR).blobs.keys()];
  expect(digests).toContain(engine.registries.putBlob("elsewhere/x", gzip(BASE).bytes, "").digest);
  expect((await engine.images.get(`${NEAR}:1`)).id).toBe(buildImage(specOf("built", [BASE, BIG])).id as ImageID);
});

test("import, then push, then pull elsewhere gives the same image", async () => {
  await using engine = await makeHarness();
  await Array.fromAsync(engine.images.import(inPieces(BIG), { repository: NAME, tag: "1", changes: [] }));
  const { id } = await engine.images.get(`${NAME}:1`);
  await push(engine, `${NAME}:1`);
  await using other = await makeHarness(undefined, engine.registries);
  await Array.fromAsync(other.images.pull(`${NAME}:1`, {}));
  expect((await other.images.get(`${NAME}:1`)).id).toBe(id);
});
