import { describe, expect, test } from "bun:test";
import { zstdCompressSync } from "node:zlib";
import { type Descriptor, type Digest, hexOf, MEDIA_TYPES } from "#api/oci";
import { parseFilters } from "#core/events";
import { buildImage, dockerArchive, layeredImage, tar } from "#fixtures";
import { EngineError } from "#lib/errors";
import { type FakeRegistries, gzip } from "./_fake-registry.ts";
import { type Harness, makeHarness } from "./_harness.ts";
import type { ImageID, Progress, PullOptions } from "./image.ts";

const NAME = "r.test/team/app";
const [BASE, TOP] = layeredImage("base:1").layers as [Uint8Array, Uint8Array];
/** Larger than one report, so that it is seen on its way. */
const BIG = tar([{ name: "big", data: Buffer.alloc(1_500_000, 1) }]);

const specOf = (label: string, layers = [BASE, TOP]) => ({
  layers,
  architecture: "amd64",
  config: { Labels: { of: label } },
});
const idOf = (label: string, architecture = "amd64") => buildImage({ ...specOf(label), architecture }).id as ImageID;
const forPlatform = (descriptor: Descriptor, architecture: string, variant?: string): Descriptor => ({
  ...descriptor,
  platform: { os: "linux", architecture, ...(variant ? { variant } : {}) },
});

function putMulti(registries: FakeRegistries, tag: string, label = "multi"): Descriptor {
  const of = (architecture: string) =>
    forPlatform(registries.putImage(NAME, buildImage({ ...specOf(label), architecture })), architecture);
  return registries.putIndex(NAME, [of("arm64"), of("amd64"), of("s390x")], tag);
}

function pull(engine: Harness, reference: string, options: PullOptions = {}): Promise<Progress[]> {
  return Array.fromAsync(engine.images.pull(reference, options));
}

const short = (digest: string) => hexOf(digest as Digest).slice(0, 12);
const lines = (progress: readonly Progress[]) =>
  progress.map(({ status, id }) => (id ? `${id}: ${status}` : (status ?? "")));
const wants = (requests: readonly string[], what: string) =>
  requests.filter((request) => request.includes(`: ${what}`));

function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (error: Error) => error.message,
  );
}

/** Everything in the content store that no record uses. */
async function garbage(engine: Harness): Promise<Digest[]> {
  return (await engine.content.list()).filter((digest) => !engine.images.usesBlob(digest));
}

describe("pull()", () => {
  test("says what Docker says, and has the image then", async () => {
    await using engine = await makeHarness();
    const { digest } = engine.registries.putImage(NAME, buildImage(specOf("one")), { tag: "1" });
    const [base, top] = [BASE, TOP].map(
      (layer) => engine.registries.putBlob("other/x", gzip(layer).bytes, "").digest,
    ) as [Digest, Digest];
    const said = await pull(engine, `${NAME}:1`);
    expect(said.slice(0, 3)).toEqual([
      { status: "Pulling from team/app", id: "1" },
      { status: "Pulling fs layer", progressDetail: {}, id: short(base) },
      { status: "Pulling fs layer", progressDetail: {}, id: short(top) },
    ]);
    const ofTop = lines(said).filter((line) => line.startsWith(short(top)));
    expect(ofTop.map((line) => line.slice(14))).toEqual([
      "Pulling fs layer",
      "Downloading",
      "Verifying Checksum",
      "Download complete",
      "Extracting",
      "Pull complete",
    ]);
    expect(said.slice(-2)).toEqual([
      { status: `Digest: ${digest}` },
      { status: `Status: Downloaded newer image for ${NAME}:1` },
    ]);
    const image = await engine.images.get(`${NAME}:1`);
    expect(image).toMatchObject({ id: idOf("one"), tags: [`${NAME}:1`], digests: [`${NAME}@${digest}`] });
    expect(image.descriptor).toMatchObject({ digest, mediaType: MEDIA_TYPES.ociManifest });
    expect(await garbage(engine)).toEqual([]);
    expect((await engine.events()).map(({ action, actorID, attributes }) => [action, actorID, attributes])).toEqual([
      ["pull", `${NAME}:1`, { name: NAME, of: "one" }],
    ]);
  });

  test("of what is here already asks once and says so", async () => {
    await using engine = await makeHarness();
    const { digest } = engine.registries.putImage(NAME, buildImage(specOf("one")), { tag: "1" });
    await pull(engine, `${NAME}:1`);
    engine.registries.takeRequests();
    expect(lines(await pull(engine, `${NAME}:1`))).toEqual([
      "1: Pulling from team/app",
      `Digest: ${digest}`,
      `Status: Image is up to date for ${NAME}:1`,
    ]);
    expect(engine.registries.takeRequests()).toEqual([`pull ${NAME}: head 1`]);
  });

  test("of a tag that moved takes the tag along and leaves the digest", async () => {
    await using engine = await makeHarness();
    const before = engine.registries.putImage(NAME, buildImage(specOf("old")), { tag: "1" });
    await pull(engine, `${NAME}:1`);
    const after = engine.registries.putImage(NAME, buildImage(specOf("new")), { tag: "1" });
    const said = lines(await pull(engine, `${NAME}:1`));
    expect(said.filter((line) => line.includes("Already exists"))).toHaveLength(2);
    expect(said.at(-1)).toBe(`Status: Downloaded newer image for ${NAME}:1`);
    expect(await engine.images.get(`${NAME}:1`)).toMatchObject({
      id: idOf("new"),
      digests: [`${NAME}@${after.digest}`],
    });
    expect(await engine.images.get(`${NAME}@${before.digest}`)).toMatchObject({ id: idOf("old"), tags: [] });
  });

  test("by digest names the image by it, whatever tag stands beside", async () => {
    await using engine = await makeHarness();
    const { digest } = engine.registries.putImage(NAME, buildImage(specOf("one")), { tag: "1" });
    const said = lines(await pull(engine, `${NAME}:nosuch@${digest}`));
    expect(said[0]).toBe(`${NAME}@${digest}: Pulling from team/app`);
    expect(said.at(-1)).toBe(`Status: Downloaded newer image for ${NAME}@${digest}`);
    expect(await engine.images.get(`${NAME}@${digest}`)).toMatchObject({ tags: [], digests: [`${NAME}@${digest}`] });
  });

  test("takes zstd and uncompressed layers as well", async () => {
    await using engine = await makeHarness();
    const zstd = (layer: Uint8Array) => ({ bytes: zstdCompressSync(layer), mediaType: MEDIA_TYPES.ociLayerZstd });
    const plain = (layer: Uint8Array) => ({ bytes: layer, mediaType: MEDIA_TYPES.ociLayer });
    engine.registries.putImage(NAME, buildImage(specOf("zstd")), { tag: "zstd", compress: zstd });
    engine.registries.putImage(NAME, buildImage(specOf("plain", [TOP, BIG])), { tag: "plain", compress: plain });
    for (const tag of ["zstd", "plain"]) await pull(engine, `${NAME}:${tag}`);
    expect((await engine.images.get(`${NAME}:zstd`)).id).toBe(idOf("zstd"));
    expect(await garbage(engine)).toEqual([]);
  });

  test("of all tags says how each comes, and at the end how it went", async () => {
    await using engine = await makeHarness();
    for (const tag of ["1", "2"]) engine.registries.putImage(NAME, buildImage(specOf(tag)), { tag });
    const said = lines(await pull(engine, NAME, { allTags: true }));
    expect(said.filter((line) => /Pulling from|Status/.test(line))).toEqual([
      "1: Pulling from team/app",
      "2: Pulling from team/app",
      `Status: Downloaded newer image for ${NAME}`,
    ]);
    expect(() => engine.images.pull(`${NAME}:1`, { allTags: true })).toThrow("tag can't be used with --all-tags/-a");
  });
});

describe("platforms", () => {
  test("the one for this machine is pulled, and known by the digest of the index", async () => {
    await using engine = await makeHarness();
    const { digest } = putMulti(engine.registries, "1");
    expect(lines(await pull(engine, `${NAME}:1`)).at(-2)).toBe(`Digest: ${digest}`);
    const image = await engine.images.get(`${NAME}:1`, { manifests: true });
    expect(image).toMatchObject({ id: idOf("multi"), digests: [`${NAME}@${digest}`], descriptor: { digest } });
    expect(
      image.manifests?.map(({ isAvailable, kind }) => [
        kind.type === "image" && kind.platform.architecture,
        isAvailable,
      ]),
    ).toEqual([
      ["arm64", false],
      ["amd64", true],
      ["s390x", false],
    ]);
  });

  test("another one joins it under the name, and the name still means the one for this machine", async () => {
    await using engine = await makeHarness();
    putMulti(engine.registries, "1");
    await pull(engine, `${NAME}:1`, { platform: "linux/arm64/v8" });
    expect((await engine.images.get(`${NAME}:1`)).id).toBe(idOf("multi", "arm64"));
    expect(lines(await pull(engine, `${NAME}:1`)).at(-1)).toStartWith("Status: Downloaded newer image");
    expect((await engine.images.get(`${NAME}:1`)).id).toBe(idOf("multi"));
    const arm = { os: "linux", architecture: "arm64" };
    expect((await engine.images.get(`${NAME}:1`, { platform: arm })).id).toBe(idOf("multi", "arm64"));
    expect(await refusal(engine.images.get(`${NAME}:1`, { platform: { ...arm, architecture: "s390x" } }))).toBe(
      `image with reference ${NAME}:1 was found but does not provide the specified platform (linux/s390x)`,
    );
  });

  test("one of them can be removed, then the name with the other", async () => {
    await using engine = await makeHarness();
    putMulti(engine.registries, "1");
    for (const platform of ["arm64", "amd64"]) await pull(engine, `${NAME}:1`, { platform });
    const platforms = [{ os: "linux", architecture: "arm64" }];
    const options = { force: false, prune: true };
    expect(await engine.images.remove(`${NAME}:1`, { ...options, platforms })).toEqual([
      { Deleted: idOf("multi", "arm64") },
    ]);
    expect((await engine.images.get(`${NAME}:1`)).id).toBe(idOf("multi"));
    const removed = await engine.images.remove(`${NAME}:1`, options);
    expect(removed.slice(0, 2).map(({ Untagged }) => Untagged?.slice(0, NAME.length + 2))).toEqual([
      `${NAME}:1`,
      `${NAME}@s`,
    ]);
    expect(await garbage(engine)).toEqual(await engine.content.list());
  });

  test("all of them keep the index whole, its attestations too", async () => {
    await using engine = await makeHarness();
    const { registries } = engine;
    const image = forPlatform(
      registries.putImage(NAME, buildImage({ ...specOf("x"), architecture: "amd64" })),
      "amd64",
    );
    const attestation = registries.putManifest(NAME, {
      mediaType: MEDIA_TYPES.ociManifest,
      config: registries.putBlob(NAME, Buffer.from("{}"), MEDIA_TYPES.ociConfig),
      layers: [registries.putBlob(NAME, Buffer.from('{"in":"toto"}'), "application/vnd.in-toto+json")],
    });
    const annotations = {
      "vnd.docker.reference.type": "attestation-manifest",
      "vnd.docker.reference.digest": image.digest,
    };
    const unknown = { ...attestation, annotations, platform: { os: "unknown", architecture: "unknown" } };
    const arm = forPlatform(
      registries.putImage(NAME, buildImage({ ...specOf("x"), architecture: "arm" })),
      "arm",
      "v7",
    );
    registries.putIndex(NAME, [image, arm, unknown], "1");
    await pull(engine, `${NAME}:1`, { allPlatforms: true });
    const { manifests = [] } = await engine.images.get(`${NAME}:1`, { manifests: true });
    expect(manifests.map(({ kind, isAvailable }) => [kind.type, isAvailable])).toEqual([
      ["image", true],
      ["image", true],
      ["attestation", true],
    ]);
    expect(await garbage(engine)).toEqual([]);
    // The whole of it is found here the second time.
    registries.takeRequests();
    await pull(engine, `${NAME}:1`, { allPlatforms: true });
    expect(registries.takeRequests()).toEqual([`pull ${NAME}: head 1`]);
    await engine.images.remove(`${NAME}:1`, { force: false, prune: true });
    expect(await garbage(engine)).toEqual(await engine.content.list());
  });

  test("an index in an index is looked into, and what says nothing of its platform as well", async () => {
    await using engine = await makeHarness();
    const { registries } = engine;
    const silent = registries.putImage(NAME, buildImage({ ...specOf("silent"), architecture: "arm64" }));
    const image = registries.putImage(NAME, buildImage(specOf("inner")));
    registries.putIndex(NAME, [silent, registries.putIndex(NAME, [image])], "1");
    await pull(engine, `${NAME}:1`);
    expect((await engine.images.get(`${NAME}:1`)).id).toBe(idOf("inner"));
  });

  test("an index that holds itself ever deeper is refused", async () => {
    await using engine = await makeHarness();
    let index = engine.registries.putIndex(NAME, []);
    for (let depth = 0; depth < 10; depth++) index = engine.registries.putIndex(NAME, [index]);
    engine.registries.of(NAME).tags.set("1", index.digest);
    expect(await refusal(pull(engine, `${NAME}:1`))).toBe("index is more than 4 deep");
  });

  test("an image for one platform comes whatever was asked for, with a warning", async () => {
    await using engine = await makeHarness();
    engine.registries.putImage(NAME, buildImage(specOf("one")), { tag: "1" });
    expect(lines(await pull(engine, `${NAME}:1`, { platform: "linux/arm64" })).at(-1)).toBe(
      `WARNING: image with reference ${NAME}:1 was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)`,
    );
  });
});

describe("what is wrong", () => {
  const HEX = "0".repeat(64);
  type Manifest = { config: Descriptor; layers: Descriptor[] } & Record<string, unknown>;
  const wrong = (change: (manifest: Manifest) => object) => (registries: FakeRegistries) =>
    void registries.putImage(NAME, buildImage(specOf("wrong")), { tag: "1", change: change as never });
  const withDocument = (document: Record<string, unknown>) => (registries: FakeRegistries) =>
    void registries.putImage(NAME, buildImage({ ...specOf("wrong"), document }), { tag: "1" });
  const layers = (change: (layer: Descriptor) => object) => wrong((it) => ({ ...it, layers: it.layers.map(change) }));

  test.each<[string, (registries: FakeRegistries) => void, string | RegExp]>([
    ["no tag", () => {}, `manifest for ${NAME}:1 not found`],
    [
      "no platform",
      (r) => r.putIndex(NAME, [forPlatform(r.putImage(NAME, buildImage(specOf("x"))), "arm64")], "1"),
      "no matching manifest for linux/amd64 in the manifest list entries",
    ],
    [
      "an empty index",
      (r) => r.putIndex(NAME, [], "1"),
      "no matching manifest for linux/amd64 in the manifest list entries",
    ],
    [
      "an artifact",
      wrong((it) => ({ ...it, config: { ...it.config, mediaType: "application/vnd.cncf.helm.config.v1+json" } })),
      "unsupported media type application/vnd.cncf.helm.config.v1+json",
    ],
    [
      "a strange layer",
      layers((it) => ({ ...it, mediaType: "application/vnd.weird" })),
      "unsupported media type application/vnd.weird",
    ],
    [
      "a foreign layer",
      layers((it) => ({ ...it, mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" })),
      /^layer sha256:\w+ is foreign/,
    ],
    [
      "schema 1",
      wrong(() => ({ mediaType: MEDIA_TYPES.ociManifest, schemaVersion: 1, fsLayers: [] })),
      "unsupported manifest format",
    ],
    ["both in one", wrong((it) => ({ ...it, manifests: [] })), "unsupported manifest format"],
    [
      "a layer too few",
      wrong((it) => ({ ...it, layers: it.layers.slice(1) })),
      "layers from manifest don't match image configuration",
    ],
    [
      "another layer",
      withDocument({ rootfs: { type: "layers", diff_ids: [`sha256:${HEX}`, `sha256:${HEX}`] } }),
      /^layer diffID mismatch: expected "sha256:0{64}"/,
    ],
    ["no rootfs", withDocument({ rootfs: undefined }), "invalid rootfs in image configuration"],
    [
      "another system",
      withDocument({ os: "windows" }),
      'image operating system "windows" cannot be used on this platform: operating system is not supported',
    ],
    [
      "a digest of another kind",
      layers((it) => ({ ...it, digest: `sha512:${HEX}${HEX}` })),
      /unsupported digest algorithm/,
    ],
    [
      "a digest that is none",
      layers((it) => ({ ...it, digest: "../../etc/passwd" })),
      'invalid manifest: "../../etc/passwd" is no digest',
    ],
    ["a size that is none", layers((it) => ({ ...it, size: -1 })), "invalid manifest, layers[0], size: not a size"],
    [
      "a wrong size",
      layers((it) => ({ ...it, size: it.size + 1 })),
      /^layer "sha256:\w+": expected \d+ bytes, got \d+$/,
    ],
    [
      "a huge config",
      wrong((it) => ({ ...it, config: { ...it.config, size: 2 ** 40 } })),
      /bytes are more than 8388608$/,
    ],
    [
      "too many layers",
      wrong((it) => ({ ...it, layers: Array(2000).fill(it.layers[0]) })),
      "invalid manifest: 2000 entries are more than 1024",
    ],
    [
      "another size than its index says",
      (r) => r.putIndex(NAME, [{ ...forPlatform(r.putImage(NAME, buildImage(specOf("x"))), "amd64"), size: 3 }], "1"),
      /^manifest sha256:\w+: expected 3 bytes, got/,
    ],
  ])("%s", async (_, prepare, message) => {
    await using engine = await makeHarness();
    prepare(engine.registries);
    const refused = await refusal(pull(engine, `${NAME}:1`));
    if (typeof message === "string") expect(refused).toBe(message);
    else expect(refused).toMatch(message);
    expect(await engine.images.list({ all: true, filters: parseFilters("") })).toEqual([]);
    expect(await garbage(engine)).toEqual([]);
  });

  test("a blob that is another one", async () => {
    await using engine = await makeHarness();
    const { registries } = engine;
    registries.putImage(NAME, buildImage(specOf("x")), { tag: "1" });
    const blob = registries.putBlob("elsewhere", gzip(TOP).bytes, "").digest;
    registries.of(NAME).blobs.set(blob, gzip(BASE).bytes.slice(0, gzip(TOP).bytes.byteLength));
    expect(await refusal(pull(engine, `${NAME}:1`))).toMatch(/sha256:|gzip|decompress|unexpected end/);
    expect(await engine.images.find(`${NAME}:1`)).toBeUndefined();
  });

  test("a config that is another one", async () => {
    await using engine = await makeHarness();
    engine.registries.putImage(NAME, buildImage(specOf("x")), { tag: "1" });
    engine.registries.of(NAME).blobs.set(idOf("x"), buildImage({ ...specOf("y"), architecture: "amd64" }).config);
    expect(await refusal(pull(engine, `${NAME}:1`))).toBe(`image config verification failed for digest ${idOf("x")}`);
  });

  test("a digest known for another layer does not make an image", async () => {
    await using engine = await makeHarness();
    engine.registries.putImage(NAME, buildImage(specOf("x")), { tag: "1" });
    await pull(engine, `${NAME}:1`);
    const diffIDs = buildImage(specOf("x")).diffIDs.toReversed();
    engine.registries.putImage(
      NAME,
      buildImage({ ...specOf("x"), document: { rootfs: { type: "layers", diff_ids: diffIDs } } }),
      { tag: "2" },
    );
    expect(await refusal(pull(engine, `${NAME}:2`))).toBe("layers from manifest don't match image configuration");
  });
});

test("an index that lists more than fits in memory is refused before it is fetched", async () => {
  await using engine = await makeHarness();
  const image = engine.registries.putImage(NAME, buildImage(specOf("x")));
  const entries = Array.from({ length: 20 }, () => ({ ...forPlatform(image, "amd64"), size: 4 * 1024 * 1024 }));
  engine.registries.putIndex(NAME, entries, "1");
  const refused = refusal(pull(engine, `${NAME}:1`, { allPlatforms: true }));
  expect(await refused).toBe("manifests of index have more than 67108864 bytes");
  expect(engine.registries.takeRequests()).toHaveLength(1);
});

describe("several at once", () => {
  test("pulls of one image fetch its layers once", async () => {
    await using engine = await makeHarness();
    engine.registries.putImage(NAME, buildImage(specOf("one", [BASE, TOP, BIG])), { tag: "1" });
    const all = await Promise.all([pull(engine, `${NAME}:1`), pull(engine, `${NAME}:1`)]);
    const blobs = wants(engine.registries.takeRequests(), "blob").map((line) => line.slice(line.indexOf("sha256:")));
    const { id } = await engine.images.get(`${NAME}:1`);
    const layers = blobs.filter((digest) => digest !== id);
    expect(new Set(layers).size).toBe(3);
    expect(layers).toHaveLength(3);
    for (const said of all) expect(lines(said).filter((line) => line.endsWith("Pull complete"))).toHaveLength(3);
  });

  test("one that is cancelled does not disturb the other", async () => {
    await using engine = await makeHarness();
    engine.registries.putImage(NAME, buildImage(specOf("one", [BASE, BIG])), { tag: "1" });
    const started = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    engine.registries.before = async (what) => {
      if (!what.startsWith("piece") || what.endsWith(" 0")) return;
      started.resolve();
      await gate.promise;
    };
    const controller = new AbortController();
    const first = refusal(pull(engine, `${NAME}:1`, { signal: controller.signal }));
    const second = refusal(pull(engine, `${NAME}:1`));
    await started.promise;
    controller.abort();
    expect(await first).toBe("context canceled");
    gate.resolve();
    expect(await second).toBe("done");
    expect((await engine.images.get(`${NAME}:1`)).layerBytes).toHaveLength(2);
  });

  test("no more layers come at once than the setting says, over all pulls", async () => {
    await using engine = await makeHarness();
    const layersOf = (seed: number) =>
      Array.from({ length: 4 }, (_, index) => tar([{ name: `f${seed}-${index}`, data: Buffer.alloc(3000, index) }]));
    for (const seed of [1, 2])
      engine.registries.putImage(NAME, buildImage(specOf(`${seed}`, layersOf(seed))), { tag: `${seed}` });
    let most = 0;
    const running = new Set<string>();
    engine.registries.before = (what) => {
      const [kind, digest = ""] = what.split(" ");
      if (kind === "blob" && engine.registries.of(NAME).blobs.get(digest as Digest)?.[0] === 0x1f) running.add(digest);
      most = Math.max(most, running.size);
      if (kind === "piece") setImmediate(() => running.delete(digest));
      return new Promise((resolve) => setImmediate(resolve));
    };
    const said = await Promise.all(["1", "2"].map((tag) => pull(engine, `${NAME}:${tag}`)));
    expect(most).toBeLessThanOrEqual(engine.registries.settings.maxConcurrentDownloads);
    expect(lines(said.flat()).some((line) => line.endsWith("Waiting"))).toBe(true);
  });
});

describe("a pull that does not end well", () => {
  test("shows nothing, and the layers that were whole are not fetched again", async () => {
    await using engine = await makeHarness();
    const { registries } = engine;
    registries.putImage(NAME, buildImage(specOf("one", [BASE, BIG])), { tag: "1" });
    const big = registries.putBlob("elsewhere", gzip(BIG).bytes, "").digest;
    const base = registries.putBlob("elsewhere", gzip(BASE).bytes, "").digest;
    const baseIsIn = Promise.withResolvers<void>();
    registries.before = async (what) => {
      if (what !== `piece ${big} 1000`) return;
      await baseIsIn.promise;
      throw new EngineError("unavailable", "connection reset");
    };
    const failing: string[] = [];
    const failed = refusal(
      (async () => {
        for await (const { id, status } of engine.images.pull(`${NAME}:1`, {})) {
          failing.push(`${id}: ${status}`);
          if (status === "Download complete" && id === short(base)) baseIsIn.resolve();
        }
      })(),
    );
    expect(await failed).toBe("connection reset");
    expect(await engine.images.find(`${NAME}:1`)).toBeUndefined();
    expect(await garbage(engine)).toEqual([]);
    registries.before = () => {};
    registries.takeRequests();
    expect(lines(await pull(engine, `${NAME}:1`))).toContain(`${short(base)}: Already exists`);
    expect(wants(registries.takeRequests(), "blob")).toHaveLength(2);
  });

  test("its layers go when nobody tried again for a day", async () => {
    await using engine = await makeHarness();
    const { registries } = engine;
    registries.putImage(NAME, buildImage(specOf("one")), { tag: "1" });
    const top = registries.putBlob("elsewhere", gzip(TOP).bytes, "").digest;
    registries.of(NAME).blobs.delete(top);
    await refusal(pull(engine, `${NAME}:1`));
    engine.images.forgetRemoved();
    const kept = await engine.content.list();
    expect(kept).toHaveLength(1);
    expect(await garbage(engine)).toEqual([]);
    engine.passHours(25);
    engine.images.forgetRemoved();
    expect(await garbage(engine)).toEqual(kept);
  });

  /** Every moment at which the world can fail it, one after another. */
  test("failing at any step leaves either nothing or the whole image", async () => {
    let step = 0;
    for (let isDone = false; !isDone; step++) {
      await using engine = await makeHarness(async (chain) => {
        fail();
        return chain.join() as never;
      });
      let left = step;
      const fail = () => {
        if (left-- === 0) throw new EngineError("unavailable", "injected");
      };
      engine.registries.before = fail;
      putMulti(engine.registries, "1");
      const outcome = await refusal(pull(engine, `${NAME}:1`));
      isDone = outcome === "done";
      if (!isDone) expect(outcome).toContain("injected");
      const images = await engine.images.list({ all: true, filters: parseFilters("") });
      expect(images).toHaveLength(isDone ? 1 : 0);
      expect(await garbage(engine)).toEqual(isDone ? [] : await garbage(engine));
      engine.registries.before = () => {};
      left = -1;
      await pull(engine, `${NAME}:1`);
      for (const digest of await engine.content.list()) expect(engine.images.usesBlob(digest)).toBe(true);
    }
    expect(step).toBeGreaterThan(5);
  });
});

test("an image that was loaded is not fetched again", async () => {
  await using engine = await makeHarness();
  await engine.load(tar(dockerArchive([{ ...specOf("one"), architecture: "amd64", tags: ["loaded:1"] }])));
  engine.registries.putImage(NAME, buildImage(specOf("one")), { tag: "1" });
  expect(lines(await pull(engine, `${NAME}:1`)).slice(1, -2)).toEqual([]);
  expect((await engine.images.get("loaded:1")).tags).toEqual(["docker.io/library/loaded:1", `${NAME}:1`]);
});
