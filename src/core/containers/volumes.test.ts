import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { FakeEngine } from "./_fakes.ts";

const DATA = { config: { Volumes: { "/data": {} } } };
const none = new Map();

async function volumeOf(engine: FakeEngine, container: string): Promise<string> {
  await engine.create(container, DATA);
  return engine.containers.get(container).mounts[0]?.Name ?? "";
}

test("volumes are listed with the containers that have them, and outlive these unless told", async () => {
  await using engine = new FakeEngine();
  const { volumes } = engine.containers;
  expect(await volumes.list(none)).toEqual([]);
  const name = await volumeOf(engine, "web");
  await engine.create("heir", { hostConfig: { VolumesFrom: ["web"] } });
  const users = ["web", "heir"].map((container) => engine.containers.get(container).id);
  expect(await volumes.list(none)).toMatchObject([{ name, users, path: `${engine.layout.volume(name)}/_data` }]);

  const gone = { force: false, volumes: true, link: false };
  await engine.containers.remove("web", gone);
  expect((await volumes.get(name)).users).toEqual([engine.containers.get("heir").id]);
  await engine.containers.remove("heir", { ...gone, volumes: false });
  expect((await volumes.get(name)).users).toEqual([]);
});

test.each([
  [{ dangling: ["true"] }, ["left"]],
  [{ dangling: ["0"] }, ["used"]],
  [{ driver: ["local"] }, ["left", "used"]],
  [{ driver: ["nfs"] }, []],
  [{ label: ["com.docker.volume.anonymous"] }, ["left", "used"]],
  [{ label: ["other"] }, []],
] as const)("volumes.list() with %j gives %j", async (filters, expected) => {
  await using engine = new FakeEngine();
  const names = new Map([
    [await volumeOf(engine, "one"), "left"],
    [await volumeOf(engine, "two"), "used"],
  ]);
  await engine.containers.remove("one", { force: false, volumes: false, link: false });
  const found = await engine.containers.volumes.list(new Map(Object.entries(filters)));
  expect(found.map(({ name }) => names.get(name) ?? "").sort()).toEqual([...expected]);
});

test("volumes.remove() takes what nobody has, and says who has the others", async () => {
  await using engine = new FakeEngine();
  const { volumes } = engine.containers;
  const name = await volumeOf(engine, "web");
  const { id } = engine.containers.get("web");
  for (const force of [false, true]) {
    await expect(volumes.remove(name, { force })).rejects.toMatchObject({
      kind: "conflict",
      message: `remove ${name}: volume is in use - [${id}]`,
    });
  }
  await engine.containers.remove("web", { force: false, volumes: false, link: false });
  await volumes.remove(name, { force: false });
  expect(await volumes.list(none)).toEqual([]);
  await expect(volumes.remove(name, { force: false })).rejects.toThrow(`get ${name}: no such volume`);
  await volumes.remove(name, { force: true });
  expect(engine.events.at(-1)).toMatchObject({ type: "volume", action: "destroy", actorID: name });
});

test("volumes.get() and remove() make no path of what is no name", async () => {
  await using engine = new FakeEngine();
  for (const name of ["..", "../containers", "", "x", `${"a".repeat(64)}/..`]) {
    await expect(engine.containers.volumes.get(name)).rejects.toMatchObject({ kind: "not-found" });
    await expect(engine.containers.volumes.remove(name, { force: false })).rejects.toMatchObject({ kind: "not-found" });
  }
});

test("volumes.prune() removes what nobody has, and tells how much that was", async () => {
  await using engine = new FakeEngine();
  const { volumes } = engine.containers;
  const left = await volumeOf(engine, "one");
  const used = await volumeOf(engine, "two");
  writeFileSync(`${engine.layout.volume(left)}/_data/file`, Buffer.alloc(100_000, 1));
  await engine.containers.remove("one", { force: false, volumes: false, link: false });
  const { deleted, reclaimedBytes } = await volumes.prune(none);
  expect(deleted).toEqual([left]);
  expect(reclaimedBytes).toBeGreaterThanOrEqual(100_000);
  expect((await volumes.list(none)).map(({ name }) => name)).toEqual([used]);
  expect(await volumes.prune(none)).toEqual({ deleted: [], reclaimedBytes: 0 });
});

test("volumes.prune() leaves those of a container that is being created", async () => {
  await using engine = new FakeEngine();
  const creating = engine.create("web", DATA);
  while ((await engine.containers.volumes.list(none)).length === 0) await new Promise(setImmediate);
  expect(await engine.containers.volumes.prune(none)).toEqual({ deleted: [], reclaimedBytes: 0 });
  await creating;
  expect(await engine.containers.volumes.list(none)).toHaveLength(1);
});
