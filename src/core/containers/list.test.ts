import { expect, test } from "bun:test";
import { FakeEngine, IMAGE } from "./_fakes.ts";

async function populated(): Promise<FakeEngine> {
  const engine = new FakeEngine();
  engine.images.set("child", {
    ...IMAGE,
    id: `sha256:${"b".repeat(64)}` as typeof IMAGE.id,
    document: {
      ...IMAGE.document,
      rootfs: { type: "layers", diff_ids: [...IMAGE.document.rootfs.diff_ids, `sha256:${"2".repeat(64)}` as never] },
    },
  });
  await engine.run("old", { config: { Labels: { tier: "web" }, ExposedPorts: { "80/tcp": {} } } });
  engine.executor.last.exit(3);
  await engine.settle();
  engine.clock.advance(1000);
  await engine.run("mid", {
    config: { Image: "child" },
    hostConfig: { PortBindings: { "53/udp": [{ HostPort: "5353" }] } },
  });
  engine.clock.advance(1000);
  await engine.create("new", { hostConfig: { NetworkMode: "none", Binds: ["/tmp:/data"] } });
  return engine;
}

test.each<[Record<string, string[]>, string[]]>([
  [{}, ["mid"]],
  [{ status: ["exited"] }, ["old"]],
  [{ status: ["exited", "created"] }, ["new", "old"]],
  [{ exited: ["3"] }, ["old"]],
  [{ exited: ["0"] }, []],
  [{ since: ["old"] }, ["new", "mid"]],
  [{ before: ["mid"] }, ["old"]],
])("list() of running ones with %j", async (filters, names) => {
  await using engine = await populated();
  const found = await engine.containers.list({ all: false, limit: 0, filters: new Map(Object.entries(filters)) });
  expect(found.map(({ name }) => name)).toEqual(names);
});

test.each<[Record<string, string[]>, string[]]>([
  [{}, ["new", "mid", "old"]],
  [{ name: ["^/?o"] }, ["old"]],
  [{ name: ["ew", "id"] }, ["new", "mid"]],
  [{ label: ["tier"] }, ["old"]],
  [{ label: ["tier=web", "from=image"] }, ["old"]],
  [{ ancestor: ["busybox"] }, ["new", "mid", "old"]],
  [{ ancestor: ["child"] }, ["mid"]],
  [{ ancestor: ["unknown"] }, []],
  [{ network: ["none"] }, ["new"]],
  [{ network: ["bridge"] }, ["mid", "old"]],
  [{ volume: ["/data"] }, ["new"]],
  [{ expose: ["70-90"] }, ["old"]],
  [{ publish: ["53/udp"] }, ["mid"]],
  [{ publish: ["53/tcp"] }, []],
  [{ health: ["none"] }, ["new", "mid", "old"]],
  [{ health: ["healthy"] }, []],
  [{ "is-task": ["true"] }, []],
  [{ isolation: ["hyperv"] }, ["new", "mid", "old"]],
])("list() of all with %j", async (filters, names) => {
  await using engine = await populated();
  const found = await engine.containers.list({ all: true, limit: 0, filters: new Map(Object.entries(filters)) });
  expect(found.map(({ name }) => name)).toEqual(names);
});

test("list() with a limit looks at all, newest first", async () => {
  await using engine = await populated();
  const found = await engine.containers.list({ all: false, limit: 2, filters: new Map() });
  expect(found.map(({ name }) => name)).toEqual(["new", "mid"]);
});

test.each<[Record<string, string[]>, string]>([
  [{ nope: ["1"] }, "invalid filter 'nope'"],
  [{ status: ["foo"] }, "invalid filter 'status=[foo]'"],
  [{ health: ["foo"] }, "invalid filter 'health=[foo]'"],
  [{ exited: ["x"] }, "invalid filter 'exited=[x]'"],
  [{ publish: ["x"] }, "invalid filter 'publish=[x]'"],
  [{ "is-task": ["maybe"] }, "invalid filter 'is-task=[maybe]'"],
  [{ before: ["nobody"] }, "No such container: nobody"],
])("list() refuses %j", async (filters, message) => {
  await using engine = await populated();
  const query = { all: true, limit: 0, filters: new Map(Object.entries(filters)) };
  await expect(engine.containers.list(query)).rejects.toThrow(message);
});

test("prune() removes what does not run, by label and age", async () => {
  await using engine = await populated();
  expect((await engine.containers.prune(new Map([["label", ["tier=db"]]]))).deleted).toEqual([]);
  const old = engine.containers.get("old").id;
  expect((await engine.containers.prune(new Map([["until", ["3s"]]]))).deleted).toEqual([]);
  expect(await engine.containers.prune(new Map([["until", ["1s"]]]))).toEqual({ deleted: [old], reclaimedBytes: 100 });
  expect((await engine.containers.prune(new Map())).deleted).toHaveLength(1);
  expect(engine.actions.at(-1)).toBe("prune");
  await expect(engine.containers.prune(new Map([["until", ["x"]]]))).rejects.toMatchObject({
    kind: "invalid-parameter",
  });
});

test("size() adds the image's layers to the writable part", async () => {
  await using engine = await populated();
  expect(await engine.containers.size("old")).toEqual({ rw: 100, rootFs: 1100 });
});
