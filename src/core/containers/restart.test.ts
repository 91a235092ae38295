import { expect, test } from "bun:test";
import { FakeEngine } from "./_fakes.ts";
import { nextDelayMs, validateRestartPolicy, wantsRestart } from "./restart-policy.ts";

const always = { hostConfig: { RestartPolicy: { Name: "always" as const } } };

/** Lets a due restart happen, and gives the delay it had. */
async function nextStart(engine: FakeEngine): Promise<number> {
  const count = engine.executor.monitors.length;
  while (engine.clock.nextMs === undefined) await new Promise(setImmediate);
  const delay = engine.clock.nextMs;
  engine.clock.advance(delay);
  while (engine.executor.monitors.length === count || engine.status("web") !== "running")
    await new Promise(setImmediate);
  return delay;
}

test("the back-off doubles from 100 ms and starts anew after a run of ten seconds", async () => {
  await using engine = new FakeEngine();
  const first = await engine.run("web", always);
  first.exit(1);
  expect(await nextStart(engine)).toBe(100);
  engine.executor.last.exit(1);
  expect(await nextStart(engine)).toBe(200);
  engine.executor.last.exit(1);
  expect(await nextStart(engine)).toBe(400);
  engine.clock.advance(10_000);
  engine.executor.last.exit(1);
  expect(await nextStart(engine)).toBe(100);
  expect(engine.containers.get("web").restartCount).toBe(4);
});

test("nextDelayMs() stops at a minute", () => {
  expect(nextDelayMs(51_200, 0)).toBe(60_000);
  expect(nextDelayMs(60_000, 9_999)).toBe(60_000);
});

test.each([
  [{ Name: "always" }, 0, 0, true],
  [{ Name: "unless-stopped" }, 0, 9, true],
  [{ Name: "on-failure" }, 0, 0, false],
  [{ Name: "on-failure" }, 1, 50, true],
  [{ Name: "on-failure", MaximumRetryCount: 2 }, 1, 1, true],
  [{ Name: "on-failure", MaximumRetryCount: 2 }, 1, 2, false],
  [{ Name: "no" }, 1, 0, false],
] as const)(
  "wantsRestart() with %j, exit code %d, restart count %d: %p",
  (policy, exitCode, restartCount, expected) => {
    expect(wantsRestart(policy, { exitCode, restartCount })).toBe(expected);
  },
);

test("stop() while a restart is due takes it back", async () => {
  await using engine = new FakeEngine();
  (await engine.run("web", always)).exit(1);
  await engine.settle();
  expect(engine.status("web")).toBe("restarting");
  await engine.containers.stop("web", { signal: "" });
  expect(engine.status("web")).toBe("exited");
  expect(engine.clock.nextMs).toBeUndefined();
});

test("a stopped container is not restarted by its policy", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web", always);
  const stopping = engine.containers.stop("web", { signal: "" });
  while (monitor.signals.length === 0) await new Promise(setImmediate);
  monitor.exit(143);
  await stopping;
  expect(engine.status("web")).toBe("exited");
});

test("restart() starts again, keeps auto-remove and policy off, and says so", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web", { hostConfig: { AutoRemove: true } });
  const restarting = engine.containers.restart("web", { signal: "", timeoutSeconds: 0 });
  await restarting;
  expect(monitor.signals).toEqual([15, 9]);
  expect(engine.status("web")).toBe("running");
  expect(engine.actions.at(-1)).toBe("restart");
});

test("a start by hand resets the count", async () => {
  await using engine = new FakeEngine();
  (await engine.run("web", always)).exit(1);
  await nextStart(engine);
  expect(engine.containers.get("web").restartCount).toBe(1);
  await engine.containers.restart("web", { signal: "", timeoutSeconds: 0 });
  expect(engine.containers.get("web").restartCount).toBe(0);
});

test.each([
  [
    { Name: "foo" as "no" },
    false,
    "invalid restart policy: unknown policy 'foo'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
  ],
  [
    { Name: "no" as const, MaximumRetryCount: 3 },
    false,
    "invalid restart policy: maximum retry count can only be used with 'on-failure'",
  ],
  [
    { Name: "on-failure" as const, MaximumRetryCount: -1 },
    false,
    "invalid restart policy: maximum retry count cannot be negative",
  ],
  [{ Name: "always" as const }, true, "can't create 'AutoRemove' container with restart policy"],
])("validateRestartPolicy() refuses %j (auto-remove %p)", (policy, autoRemove, message) => {
  expect(() => validateRestartPolicy(policy, autoRemove)).toThrow(message);
});

test("stop() while a restart is under way stops what it started, for good", async () => {
  await using engine = new FakeEngine();
  const first = await engine.run("web", always);
  engine.executor.onStart = () => undefined;
  first.exit(1);
  await engine.until(() => engine.clock.nextMs !== undefined);
  engine.clock.advance(100);
  const stopping = engine.containers.stop("web", { signal: "KILL" });
  await engine.until(() => engine.executor.monitors.length === 2);
  engine.executor.last.run();
  await stopping;
  expect(engine.executor.last.signals).toEqual([9]);
  expect(engine.status("web")).toBe("exited");
  await engine.settle();
  expect(engine.clock.nextMs).toBeUndefined();
});

test("stop() of a container that ends at that moment takes its restart back", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web", always);
  const stopping = engine.containers.stop("web", { signal: "" });
  monitor.exit(1);
  await stopping;
  await engine.settle();
  expect(engine.status("web")).toBe("exited");
  expect(engine.clock.nextMs).toBeUndefined();
});
