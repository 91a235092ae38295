import { expect, test } from "bun:test";
import type { Mount } from "#api/engine";
import { FakeEngine, IMAGE } from "./_fakes.ts";

const TOOLS = { ...IMAGE, id: `sha256:${"b".repeat(64)}` as typeof IMAGE.id };

async function engineWith(mounts: readonly Mount[]): Promise<{ engine: FakeEngine; warnings: readonly string[] }> {
  const engine = new FakeEngine();
  engine.images.set("tools", TOOLS);
  const request = { name: "web", platform: "", networking: {}, config: { Image: "busybox" } };
  const { warnings } = await engine.containers.create({ ...request, hostConfig: { Mounts: [...mounts] } });
  return { engine, warnings };
}

test("a mounted image is in inspect, counts as used, and Docker warns of it", async () => {
  const { engine, warnings } = await engineWith([{ Type: "image", Source: "tools", Target: "/tools" }]);
  await using _ = engine;
  expect(warnings).toEqual(["Image mount is an experimental feature"]);
  const { id, mounts } = engine.containers.get("web");
  expect(mounts).toEqual([
    { Type: "image", Name: "tools", Source: "", Destination: "/tools", RW: false, Mode: "", Propagation: "rprivate" },
  ]);
  expect(engine.containers.usersOf(TOOLS.id)).toEqual([{ id, isRunning: false }]);
  await engine.containers.remove("web", { force: true, volumes: true, link: false });
  expect(engine.containers.usersOf(TOOLS.id)).toEqual([]);
});

test("a start mounts the image that the name meant at create", async () => {
  const { engine } = await engineWith([{ Type: "image", Source: "tools", Target: "/tools" }]);
  await using _ = engine;
  engine.images.delete("tools");
  await engine.containers.start("web");
  const { inside } = engine.executor.last.spec.plan;
  expect(inside).toContainEqual(expect.objectContaining({ op: "bind", target: "/tools", create: "directory" }));
});

test("an image that is not there is a 404, and nothing is left", async () => {
  await using engine = new FakeEngine();
  const hostConfig = { Mounts: [{ Type: "image" as const, Source: "nope", Target: "/x" }] };
  await expect(engine.create("web", { hostConfig })).rejects.toMatchObject({
    kind: "not-found",
    message: "No such image: nope:latest",
  });
  expect(await engine.containers.list({ all: true, limit: 0, filters: new Map() })).toEqual([]);
  expect(engine.snapshots.size).toBe(0);
});
