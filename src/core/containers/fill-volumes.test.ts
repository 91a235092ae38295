import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EngineError } from "#lib/errors";
import { FakeEngine } from "./_fakes.ts";

/** Targets of the binds that are to be filled from the image. */
function filled(engine: FakeEngine): string[] {
  return engine.executor.last.spec.plan.inside.flatMap((op) => (op.op === "bind" && op.copyUp ? [op.target] : []));
}

const volumes = { config: { Volumes: { "/data": {} } }, hostConfig: { Binds: ["/tmp:/bound"] } };

test("the first start fills empty volumes, and nothing else that is bound; later starts do not", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web", volumes);
  expect(filled(engine)).toEqual(["/data"]);
  monitor.exit(0);
  await engine.settle();
  await engine.containers.start("web");
  expect(filled(engine)).toEqual([]);
});

test("a volume with something in it is left as it is, and so is one that asks for it", async () => {
  await using engine = new FakeEngine();
  await engine.create("web", {
    ...volumes,
    hostConfig: { Mounts: [{ Type: "volume", Target: "/own", VolumeOptions: { NoCopy: true } }] },
  });
  const data = engine.containers.get("web").mounts.find(({ Destination }) => Destination === "/data")?.Source ?? "";
  writeFileSync(join(data, "file"), "");
  await engine.containers.start("web");
  expect(filled(engine)).toEqual([]);
});

test("a start that fails empties what it began to fill, so that the next one starts over", async () => {
  await using engine = new FakeEngine();
  await engine.create("web", volumes);
  const data = engine.containers.get("web").mounts.find(({ Type }) => Type === "volume")?.Source ?? "";
  engine.executor.onStart = (monitor) => {
    writeFileSync(join(data, "half"), "");
    monitor.fail(new EngineError("internal", "no space left on device"));
  };
  await expect(engine.containers.start("web")).rejects.toThrow("no space left on device");
  expect(existsSync(join(data, "half"))).toBe(false);
  engine.executor.onStart = (monitor) => monitor.run();
  await engine.containers.start("web");
  expect(filled(engine)).toEqual(["/data"]);
});
