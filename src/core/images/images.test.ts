import { describe, expect, test } from "bun:test";
import { parseReference } from "#api/distribution";
import { parseFilters } from "#core/events";
import { buildImage, dockerArchive, type ImageSpec, layeredImage, tar } from "#fixtures";
import { type Harness, inPieces, makeHarness } from "./_harness.ts";
import type { DeletedImage, Image, ImageID } from "./image.ts";
import { ImageRecords } from "./records.ts";

const BASE = layeredImage("base:1").layers[0] as Uint8Array;
const TOP = layeredImage("base:1").layers[1] as Uint8Array;

function spec(tags: readonly string[], fields: Partial<ImageSpec> = {}): ImageSpec {
  return { tags, layers: [BASE], config: { Labels: { of: tags[0] ?? "none" } }, ...fields };
}

function idOf(image: ImageSpec): ImageID {
  return buildImage(image).id as ImageID;
}

function short(id: string): string {
  return id.slice(7, 19);
}

async function withImages(...specs: ImageSpec[]): Promise<Harness> {
  const engine = await makeHarness();
  await engine.load(tar(dockerArchive(specs)));
  return engine;
}

async function list(engine: Harness, filters = ""): Promise<Image[]> {
  return engine.images.list({ all: false, filters: parseFilters(filters) });
}

async function actions(engine: Harness): Promise<string[]> {
  return (await engine.events()).map((event) => event.action);
}

function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (error: Error) => error.message,
  );
}

describe("find() and get()", () => {
  const app = spec(["team/app:v1", "latest-is-default"].map((name) => (name.includes(":") ? name : `${name}:latest`)));
  const id = idOf(app);

  test.each([
    "team/app:v1",
    "docker.io/team/app:v1",
    "latest-is-default",
    id,
    id.slice(7),
    id.slice(7, 19),
    id.slice(0, 12),
    id.slice(7, 9),
  ])("%s is found", async (reference) => {
    await using engine = await withImages(app);
    expect((await engine.images.find(reference))?.id).toBe(id);
  });

  test.each([
    ["team/app", "No such image: team/app:latest"],
    ["docker.io/team/app", "No such image: team/app:latest"],
    ["zz", "No such image: zz:latest"],
    [`sha256:${"0".repeat(64)}`, `No such image: sha256:${"0".repeat(64)}`],
    ["0".repeat(64), `No such image: sha256:${"0".repeat(64)}`],
    [`x:y@sha256:${"0".repeat(64)}`, `No such image: x:y@sha256:${"0".repeat(64)}`],
    ["AB", "invalid reference format: repository name (library/AB) must be lowercase"],
    ["", "invalid reference format"],
    ["a*", "invalid reference format"],
  ])("%s is not", async (reference, message) => {
    await using engine = await withImages(app);
    expect(await refusal(engine.images.get(reference))).toBe(message);
  });

  test("the beginning of two IDs is none of them", async () => {
    const many = Array.from({ length: 17 }, (_, index) => spec([`many:${index}`]));
    await using engine = await withImages(...many);
    const firsts = many.map((image) => idOf(image).slice(7, 8));
    const shared = firsts.find((first, index) => firsts.indexOf(first) !== index) as string;
    expect(await engine.images.find(shared)).toBeUndefined();
  });
});

describe("tag()", () => {
  test("gives a further name and says so", async () => {
    await using engine = await withImages(spec(["a:1"]));
    await engine.images.tag("a:1", "b");
    expect((await engine.images.get("b:latest")).tags).toEqual(["docker.io/library/a:1", "docker.io/library/b:latest"]);
    const events = await engine.events();
    expect(events.at(-1)).toMatchObject({ action: "tag", attributes: { name: "b:latest", of: "a:1" } });
  });

  test("takes the name from another image", async () => {
    await using engine = await withImages(spec(["a:1"]), spec(["b:1"]));
    await engine.images.tag("a:1", "b:1");
    expect((await engine.images.get("b:1")).id).toBe(idOf(spec(["a:1"])));
    expect((await list(engine, '{"dangling":["true"]}')).map((image) => image.id)).toEqual([idOf(spec(["b:1"]))]);
  });

  test("notes when", async () => {
    await using engine = await withImages(spec(["a:1"]));
    const before = (await engine.images.get("a:1")).lastTagTime ?? "";
    await engine.images.tag("a:1", "b");
    expect((await engine.images.get("a:1")).lastTagTime?.localeCompare(before)).toBe(1);
  });

  test.each([
    ["nosuch", "b", "No such image: nosuch:latest"],
    ["a:1", "sha256:abc", "refusing to create an ambiguous tag using digest algorithm as name"],
    ["a:1", `b@sha256:${"0".repeat(64)}`, "refusing to create a tag with a digest reference"],
    ["a:1", "B", "invalid reference format: repository name (library/B) must be lowercase"],
  ])("%s as %s is refused", async (reference, target, message) => {
    await using engine = await withImages(spec(["a:1"]));
    expect(await refusal(engine.images.tag(reference, target))).toBe(message);
  });
});

describe("remove()", () => {
  const remove = (engine: Harness, reference: string, force = false): Promise<DeletedImage[]> =>
    engine.images.remove(reference, { force, prune: true });
  const a1 = spec(["a:1"]);
  const id = idOf(a1);

  test("a last name takes the image and its layers with it", async () => {
    await using engine = await withImages(spec(["a:1"], { layers: [BASE, TOP] }), spec(["b:1"]));
    const [base, top] = buildImage(spec(["a:1"], { layers: [BASE, TOP] })).diffIDs;
    const deleted = await remove(engine, "a:1");
    expect(deleted).toEqual([
      { Untagged: "a:1" },
      { Deleted: idOf(spec(["a:1"], { layers: [BASE, TOP] })) },
      // Of the two layers the lower one belongs to the other image too. The upper one is named by its chain.
      { Deleted: buildChain(base as string, top as string) },
    ]);
    expect(await list(engine)).toHaveLength(1);
    expect(await actions(engine)).toEqual(["load", "load", "untag", "delete"]);
    expect(engine.images.usesBlob(top as ImageID)).toBe(false);
    expect(engine.images.usesBlob(base as ImageID)).toBe(true);
  });

  test("one of two names takes only itself", async () => {
    await using engine = await withImages(spec(["a:1", "a:2"]));
    expect(await remove(engine, "a:1")).toEqual([{ Untagged: "a:1" }]);
    expect(await actions(engine)).toEqual(["load", "untag"]);
  });

  test.each([id, short(id), `sha256:${short(id)}`])("an ID takes the only name: %s", async (reference) => {
    await using engine = await withImages(a1);
    const deleted = await remove(engine, reference);
    expect(deleted.slice(0, 2)).toEqual([{ Untagged: "a:1" }, { Deleted: id }]);
  });

  test("an ID with several names is refused, unless by force", async () => {
    const image = spec(["a:1", "b:1"]);
    await using engine = await withImages(image);
    expect(await refusal(remove(engine, idOf(image)))).toBe(
      `conflict: unable to delete ${short(idOf(image))} (must be forced) - image is referenced in multiple repositories`,
    );
    const deleted = await remove(engine, idOf(image), true);
    expect(deleted.slice(0, 3)).toEqual([{ Untagged: "a:1" }, { Untagged: "b:1" }, { Deleted: idOf(image) }]);
  });

  test("the only name of an image with a container is refused", async () => {
    await using engine = await withImages(a1);
    engine.users.set(id, [{ id: "c".repeat(64), isRunning: false }]);
    expect(await refusal(remove(engine, "a:1"))).toBe(
      `conflict: unable to remove repository reference "a:1" (must force) - container cccccccccccc is using its referenced image ${short(id)}`,
    );
    expect(await refusal(remove(engine, id))).toBe(
      `conflict: unable to delete ${short(id)} (must be forced) - image is being used by stopped container cccccccccccc`,
    );
  });

  test("with a running container force takes the name and leaves the image", async () => {
    await using engine = await withImages(a1);
    engine.users.set(id, [
      { id: "d".repeat(64), isRunning: false },
      { id: "c".repeat(64), isRunning: true },
    ]);
    const running = `conflict: unable to delete ${short(id)} (cannot be forced) - image is being used by running container cccccccccccc`;
    expect(await refusal(remove(engine, id, true))).toBe(running);
    expect(await remove(engine, "a:1", true)).toEqual([{ Untagged: "a:1" }]);
    expect(await refusal(remove(engine, id, true))).toBe(running);
    expect((await engine.images.get(id)).tags).toEqual([]);
  });

  test("forced under a stopped container the image goes and its layers stay until the container has gone", async () => {
    await using engine = await withImages(a1);
    const layer = buildImage(a1).diffIDs[0] as ImageID;
    engine.users.set(id, [{ id: "c".repeat(64), isRunning: false }]);
    expect(await remove(engine, "a:1", true)).toEqual([{ Untagged: "a:1" }, { Deleted: id }]);
    expect(await refusal(engine.images.get(id))).toBe(`No such image: ${id}`);
    await engine.images.prepare(id);
    engine.images.forgetRemoved();
    expect(engine.images.usesBlob(layer)).toBe(true);
    engine.users.clear();
    engine.images.forgetRemoved();
    expect(engine.images.usesBlob(layer)).toBe(false);
  });

  test("what was removed under a container comes back by loading", async () => {
    await using engine = await withImages(a1);
    engine.users.set(id, [{ id: "c".repeat(64), isRunning: false }]);
    await remove(engine, "a:1", true);
    await engine.load(tar(dockerArchive([a1])));
    expect((await engine.images.get("a:1")).id).toBe(id);
  });

  test("what is not there cannot be removed", async () => {
    await using engine = await withImages(a1);
    expect(await refusal(remove(engine, "nosuch"))).toBe("No such image: nosuch:latest");
    await remove(engine, "a:1");
    expect(await refusal(remove(engine, "a:1"))).toBe("No such image: a:1");
  });

  test("removing twice at once removes once", async () => {
    await using engine = await withImages(a1);
    const results = await Promise.all([refusal(remove(engine, "a:1")), refusal(remove(engine, "a:1"))]);
    expect(results).toEqual(["done", "No such image: a:1"]);
  });
});

describe("digests", () => {
  const DIGEST = `sha256:${"d".repeat(64)}`;
  /** As if it had been pulled: the tag, and the digest under which the registry has it. */
  async function withPulled(tags: readonly string[]): Promise<{ engine: Harness; id: ImageID }> {
    const engine = await withImages(spec(tags));
    const id = idOf(spec(tags));
    const records = new ImageRecords(engine.database, { os: "linux", architecture: "amd64" });
    const images = [{ platform: "linux/amd64", id }];
    records.setName(parseReference(`a@${DIGEST}`), { images });
    return { engine, id };
  }

  test("are names too, whatever tag stands beside them", async () => {
    const { engine, id } = await withPulled(["a:1"]);
    await using _ = engine;
    const image = await engine.images.get(`a:whatever@${DIGEST}`);
    expect(image.id).toBe(id);
    expect(image.digests).toEqual([`docker.io/library/a@${DIGEST}`]);
  });

  test("go with the last tag of their repository", async () => {
    const { engine, id } = await withPulled(["a:1"]);
    await using _ = engine;
    const deleted = await engine.images.remove("a:1", { force: false, prune: true });
    expect(deleted.slice(0, 3)).toEqual([{ Untagged: "a:1" }, { Untagged: `a@${DIGEST}` }, { Deleted: id }]);
  });

  test("stay while a tag of their repository does", async () => {
    const { engine } = await withPulled(["a:1", "a:2"]);
    await using _ = engine;
    expect(await engine.images.remove("a:1", { force: false, prune: true })).toEqual([{ Untagged: "a:1" }]);
  });

  test("with one tag they do not stand in the way of an ID", async () => {
    const { engine, id } = await withPulled(["a:1"]);
    await using _ = engine;
    const deleted = await engine.images.remove(id, { force: false, prune: true });
    expect(deleted.slice(0, 3)).toEqual([{ Untagged: "a:1" }, { Untagged: `a@${DIGEST}` }, { Deleted: id }]);
  });

  test("keep an image without a tag from being shown without dangling ones", async () => {
    const { engine } = await withPulled([]);
    await using _ = engine;
    expect(await list(engine, '{"dangling":["true"]}')).toHaveLength(1);
    expect(await list(engine, '{"dangling":["false"]}')).toHaveLength(1);
    expect(await list(engine, '{"reference":["a"]}')).toHaveLength(1);
    expect((await engine.images.prune({ filters: parseFilters("") })).deleted[0]).toEqual({ Untagged: `a@${DIGEST}` });
  });
});

describe("list()", () => {
  const old = spec(["old:1"], { created: "2020-01-01T00:00:00Z" });
  const middle = spec(["team/middle:1", "team/middle:2"], { created: "2021-01-01T00:00:00.5Z" });
  const recent = spec(["recent:1"], { created: "2022-01-01T00:00:00Z" });
  const dangling = spec([], { created: "2023-01-01T00:00:00Z" });
  const all = () => withImages(middle, dangling, old, recent);

  test.each([
    ["", ["none", "recent:1", "team/middle:1", "old:1"]],
    ['{"dangling":["true"]}', ["none"]],
    ['{"dangling":["false"]}', ["recent:1", "team/middle:1", "old:1"]],
    ['{"label":["of=old:1"]}', ["old:1"]],
    ['{"label":["of"]}', ["none", "recent:1", "team/middle:1", "old:1"]],
    ['{"label":["of","other"]}', []],
    ['{"before":["recent:1"]}', ["team/middle:1", "old:1"]],
    ['{"before":["recent:1","team/middle:2"]}', ["old:1"]],
    ['{"since":["old:1"]}', ["none", "recent:1", "team/middle:1"]],
    ['{"since":["old:1"],"before":["recent:1"]}', ["team/middle:1"]],
    ['{"until":["2021-06-01T00:00:00Z"]}', ["team/middle:1", "old:1"]],
    ['{"until":["1640995200"]}', ["team/middle:1", "old:1"]],
    ['{"until":["39000h"]}', ["team/middle:1", "old:1"]],
    ['{"reference":["team/*"]}', ["team/middle:1"]],
    ['{"reference":["*"]}', ["recent:1", "old:1"]],
    ['{"reference":["*:1"]}', ["recent:1", "old:1"]],
    ['{"reference":["old","recent"]}', ["recent:1", "old:1"]],
  ])("%s", async (filters, expected) => {
    await using engine = await all();
    expect((await list(engine, filters)).map((image) => image.document.config?.Labels?.of)).toEqual(expected);
  });

  test("reference leaves only the names that fit", async () => {
    await using engine = await all();
    const [image] = await list(engine, '{"reference":["team/middle:2"]}');
    expect(image?.tags).toEqual(["docker.io/team/middle:2"]);
  });

  test.each([
    ['{"nope":["x"]}', "invalid filter 'nope'"],
    ['{"dangling":["x"]}', "invalid filter 'dangling=[x]'"],
    ['{"before":["nosuch"]}', "No such image: nosuch:latest"],
    ['{"until":["nosuch"]}', 'failed to parse value as time or duration: "nosuch"'],
    ['{"reference":["["]}', "syntax error in pattern"],
  ])("refuses %s", async (filters, message) => {
    await using engine = await all();
    expect(await refusal(list(engine, filters))).toBe(message);
  });
});

describe("history()", () => {
  test("is newest first, with sizes where a step made a layer", async () => {
    const steps = [
      { created: "2024-01-01T00:00:00Z", created_by: "ADD base" },
      { created: "2024-01-02T00:00:00Z", created_by: "CMD x", empty_layer: true, comment: "why" },
      { created: "2024-01-03T00:00:00Z", created_by: "COPY top" },
    ];
    const image = spec(["a:1", "a:2"], { layers: [BASE, TOP], document: { history: steps } });
    await using engine = await withImages(image);
    const entry = { id: "<missing>", tags: [], comment: "" };
    expect(await engine.images.history("a:1")).toEqual([
      {
        ...entry,
        id: idOf(image),
        tags: ["a:1", "a:2"],
        created: "2024-01-03T00:00:00Z",
        createdBy: "COPY top",
        sizeBytes: 16,
      },
      { ...entry, created: "2024-01-02T00:00:00Z", createdBy: "CMD x", sizeBytes: 0, comment: "why" },
      { ...entry, created: "2024-01-01T00:00:00Z", createdBy: "ADD base", sizeBytes: 20 },
    ]);
  });

  test("more steps than layers are an error, as in dockerd", async () => {
    const image = spec(["a:1"], { document: { history: [{}, {}] } });
    await using engine = await withImages(image);
    expect(await refusal(engine.images.history("a:1"))).toBe("too many non-empty layers in History section");
  });
});

describe("prune()", () => {
  const used = spec(["used:1"]);
  const unused = spec(["unused:1", "unused:2"], { layers: [BASE, TOP] });
  const dangling = spec([], { layers: [TOP], config: { Labels: { keep: "" } } });

  test("takes dangling images and says how much that was", async () => {
    await using engine = await withImages(used, unused, dangling);
    const { deleted, reclaimedBytes } = await engine.images.prune({ filters: parseFilters("") });
    expect(deleted[0]).toEqual({ Deleted: idOf(dangling) });
    // Its layer belongs to another image as well.
    expect(reclaimedBytes).toBe(0);
    expect((await engine.events()).at(-1)).toMatchObject({
      action: "prune",
      actorID: "",
      attributes: { reclaimed: "0" },
    });
  });

  test("with dangling=false takes all that no container uses", async () => {
    await using engine = await withImages(used, unused, dangling);
    engine.users.set(idOf(used), [{ id: "c".repeat(64), isRunning: false }]);
    const { deleted, reclaimedBytes } = await engine.images.prune({ filters: parseFilters('{"dangling":["false"]}') });
    expect(deleted.filter((record) => record.Untagged)).toEqual([{ Untagged: "unused:1" }, { Untagged: "unused:2" }]);
    expect((await list(engine)).map((image) => image.id)).toEqual([idOf(used)]);
    // The lower layer is that of the image in use.
    expect(reclaimedBytes).toBe(TOP.byteLength);
  });

  test.each([
    ['{"label":["keep"]}', 1],
    ['{"label!":["keep"]}', 0],
    ['{"label":["other"]}', 0],
    ['{"until":["2020-01-01T00:00:00Z"]}', 0],
    ['{"until":["24h"]}', 1],
  ])("%s", async (filters, count) => {
    await using engine = await withImages(used, dangling);
    const { deleted } = await engine.images.prune({ filters: parseFilters(filters) });
    expect(deleted.filter((record) => record.Deleted === idOf(dangling))).toHaveLength(count);
  });

  test.each([
    ['{"reference":["x"]}', "invalid filter 'reference'"],
    ['{"until":["1h","2h"]}', "more than one until filter specified"],
  ])("refuses %s", async (filters, message) => {
    await using engine = await withImages(used);
    expect(await refusal(engine.images.prune({ filters: parseFilters(filters) }))).toBe(message);
  });
});

describe("import()", () => {
  const importTar = async (engine: Harness, options: Partial<Parameters<Harness["images"]["import"]>[1]> = {}) => {
    const progress = await Array.fromAsync(engine.images.import(inPieces(BASE), { changes: [], ...options }));
    return progress.at(-1)?.status ?? "";
  };

  test("makes an image of one layer and ends with its ID", async () => {
    await using engine = await makeHarness();
    const options = { repository: "team/app", tag: "v1", message: "hello", changes: ['CMD ["sh"]', "ENV A=b"] };
    const id = await importTar(engine, options);
    const image = await engine.images.get("team/app:v1");
    expect<string>(image.id).toBe(id);
    expect(image.document).toMatchObject({
      os: "linux",
      architecture: "amd64",
      comment: "hello",
      config: { Cmd: ["sh"], Env: ["A=b"] },
      history: [{ comment: "hello", created: image.document.created }],
    });
    expect<readonly string[]>(image.document.rootfs.diff_ids).toEqual(buildImage(spec([])).diffIDs);
    expect(await actions(engine)).toEqual(["tag", "import"]);
  });

  test("without a name it dangles; the default tag is latest; the platform is what one says", async () => {
    await using engine = await makeHarness();
    expect((await engine.images.get(await importTar(engine))).tags).toEqual([]);
    const id = await importTar(engine, { repository: "x", platform: "linux/arm/v6" });
    const image = await engine.images.get(id);
    expect(image.tags).toEqual(["docker.io/library/x:latest"]);
    expect(image.document).toMatchObject({ architecture: "arm", variant: "v6" });
  });

  test.each([
    [{ repository: "X" }, "invalid reference format: repository name (library/X) must be lowercase"],
    [{ repository: "x", tag: "a b" }, "invalid tag format"],
    [{ repository: `x@sha256:${"0".repeat(64)}` }, "cannot import digest reference"],
    [{ changes: ["RUN x"] }, "RUN is not a valid change command"],
    [{ platform: "windows/amd64" }, "operating system is not supported: windows"],
    [{ platform: "a/b/c/d" }, '"a/b/c/d": cannot parse platform specifier: invalid argument'],
  ])("refuses %p before it reads", async (options, message) => {
    await using engine = await makeHarness();
    expect(() => engine.images.import(inPieces(BASE), { changes: [], ...options })).toThrow(new Error(message));
  });

  test("what is no tar makes no image", async () => {
    await using engine = await makeHarness();
    const importing = Array.fromAsync(engine.images.import(inPieces(Buffer.alloc(2000, "x")), { changes: [] }));
    await expect(importing).rejects.toMatchObject({ kind: "invalid-parameter" });
    expect(await list(engine)).toEqual([]);
  });
});

describe("seed()", () => {
  const builtin = { name: "tug/hello:latest", program: Buffer.from("program"), path: "/usr/bin/hello" };

  test("adds the image once, and not again after its removal", async () => {
    await using engine = await makeHarness();
    await engine.images.seed(builtin);
    const image = await engine.images.get("tug/hello");
    expect(image.document.config?.Entrypoint).toEqual(["/usr/bin/hello"]);
    await engine.images.remove("tug/hello", { force: false, prune: true });
    await engine.images.seed(builtin);
    expect(await list(engine)).toEqual([]);
  });

  test("the same program gives the same image everywhere", async () => {
    await using one = await makeHarness();
    await using other = await makeHarness();
    for (const engine of [one, other]) await engine.images.seed(builtin);
    expect((await one.images.get("tug/hello")).id).toBe((await other.images.get("tug/hello")).id);
  });

  test("leaves a name alone that is the user's", async () => {
    await using engine = await withImages(spec(["tug/hello:latest"]));
    await engine.images.seed(builtin);
    expect((await engine.images.get("tug/hello")).id).toBe(idOf(spec(["tug/hello:latest"])));
  });
});

test("records outlive the process", async () => {
  await using engine = await withImages(spec(["a:1"]));
  const rows = engine.database.all<{ name: string }>("SELECT name FROM image_names");
  expect(rows).toEqual([{ name: "docker.io/library/a:1" }]);
});

function buildChain(...diffIDs: string[]): string {
  return diffIDs.reduce(
    (chain, diffID) => `sha256:${new Bun.CryptoHasher("sha256").update(`${chain} ${diffID}`).digest("hex")}`,
  );
}
