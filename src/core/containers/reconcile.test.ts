import { expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { FakeEngine } from "./_fakes.ts";
import type { ContainerID } from "./container.ts";

test("a container that runs on is adopted, and its end is handled", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  await engine.restart();
  expect(engine.status("web")).toBe("running");
  expect(engine.executor.plans.flat().map(({ op }) => op)).not.toContain("kill-cgroup");
  engine.executor.last.exit(5);
  await engine.settle();
  expect(engine.containers.get("web").state).toMatchObject({ status: "exited", exitCode: 5 });
});

test("a container that ended meanwhile has the exit code that its monitor left", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  engine.executor.alive.clear();
  const record = { exitCode: 9, signal: 0, oomKilled: true, exitedAt: "2027-01-15T08:00:07Z" };
  engine.open({ readExitRecord: async () => record });
  expect((await engine.containers.reconcile()).size).toBe(0);
  expect(engine.containers.get("web").state).toMatchObject({
    status: "exited",
    exitCode: 9,
    oomKilled: true,
    finishedAt: record.exitedAt,
  });
  expect(engine.actions.slice(-3)).toEqual(["oom", "network disconnect", "die"]);
});

test("a container whose monitor vanished is killed and counts as killed", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  engine.executor.alive.clear();
  engine.open();
  await engine.containers.reconcile();
  expect(engine.containers.get("web").state).toMatchObject({
    status: "exited",
    exitCode: 137,
    error: "the monitor of the container was lost",
  });
  expect(engine.executor.plans.flat().map(({ op }) => op)).toContain("kill-cgroup");
});

test("a monitor that vanishes under the daemon ends its container", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web");
  monitor.lose();
  await engine.settle();
  expect(engine.containers.get("web").state).toMatchObject({ status: "exited", exitCode: 137 });
  expect(engine.orphans).toEqual([engine.containers.get("web").id]);
});

test("a start that the daemon did not live to record is adopted as running", async () => {
  await using engine = new FakeEngine();
  engine.executor.onStart = () => undefined;
  const id = await engine.create("web");
  const starting = engine.containers.start("web");
  while (engine.executor.monitors.length === 0) await new Promise(setImmediate);
  engine.executor.last.run();
  const before = engine.containers;
  engine.open();
  await engine.containers.reconcile();
  expect(engine.status("web")).toBe("running");
  expect(engine.containers.get("web").endpoint).toMatchObject({ address: "172.17.0.2" });
  await starting;
  expect(before.get(id).state.status).toBe("running");
});

test("restart policies go on: always, unless-stopped, on-failure, each as Docker does", async () => {
  await using engine = new FakeEngine();
  const policies = ["always", "unless-stopped", "on-failure", "no"] as const;
  for (const Name of policies) {
    for (const stopped of [false, true]) {
      const name = `${Name}-${stopped ? "stopped" : "ran"}`;
      await engine.run(name, { hostConfig: { RestartPolicy: { Name } } });
      if (!stopped) continue;
      await engine.containers.kill(name, "KILL");
      await engine.until(() => engine.status(name) === "exited");
    }
  }
  engine.executor.alive.clear();
  const record = { exitCode: 1, signal: 0, oomKilled: false, exitedAt: "2027-01-15T08:00:07Z" };
  await engine.restart({ readExitRecord: async () => record });
  const before = engine.executor.monitors.length;
  engine.containers.resumeRestarts();
  await engine.until(() => engine.clock.nextMs !== undefined);
  engine.clock.advance(100);
  await engine.until(() => engine.executor.monitors.length === before + 4);
  const running = () =>
    policies.flatMap((name) => [`${name}-ran`, `${name}-stopped`]).filter((name) => engine.status(name) === "running");
  await engine.until(() => running().length === 4);
  expect(running()).toEqual(["always-ran", "always-stopped", "unless-stopped-ran", "on-failure-ran"]);
});

test("a container that used up its restarts is not given more by a new daemon", async () => {
  await using engine = new FakeEngine();
  await engine.run("web", { hostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 1 } } });
  engine.executor.last.exit(1);
  await engine.until(() => engine.clock.nextMs !== undefined);
  engine.clock.advance(100);
  await engine.until(() => engine.executor.monitors.length === 2 && engine.status("web") === "running");
  engine.executor.last.exit(1);
  await engine.settle();
  engine.executor.alive.clear();
  await engine.restart();
  engine.containers.resumeRestarts();
  await engine.settle();
  expect(engine.status("web")).toBe("exited");
  expect(engine.executor.monitors).toHaveLength(2);
});

test("an ended container with auto-remove goes at the next start", async () => {
  await using engine = new FakeEngine();
  await engine.run("web", { hostConfig: { AutoRemove: true } });
  engine.executor.alive.clear();
  engine.open();
  await engine.containers.reconcile();
  engine.containers.resumeRestarts();
  await engine.settle();
  expect(() => engine.containers.get("web")).toThrow("No such container: web");
});

test("what a crash left without a record is collected", async () => {
  await using engine = new FakeEngine();
  const id = await engine.create("web");
  const stray = "d".repeat(64);
  engine.snapshots.add(stray);
  const folders = [
    engine.layout.container(stray as never),
    engine.layout.task(stray as never).path,
    join(engine.layout.removed, "half"),
  ];
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  engine.open();
  await engine.containers.reconcile();
  expect(folders.filter((folder) => existsSync(folder))).toEqual([]);
  expect([...engine.snapshots]).toEqual([id]);
  expect(existsSync(engine.layout.container(id as never))).toBe(true);
});

test("records survive the daemon as they were", async () => {
  await using engine = new FakeEngine();
  await engine.create("web", { config: { Env: ["A=1"] } });
  const before = engine.containers.get("web");
  engine.open();
  expect(engine.containers.get("web")).toEqual(before);
});

test("reconcile() makes a snapshot anew that a power cut took", async () => {
  await using engine = new FakeEngine();
  const id = await engine.create("web");
  engine.snapshots.clear();
  engine.open();
  await engine.containers.reconcile();
  expect([...engine.snapshots]).toEqual([id]);
  expect(existsSync(engine.layout.container(id as ContainerID))).toBe(true);
});
