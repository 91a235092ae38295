import { describe, expect, test } from "bun:test";
import { FakeEngine } from "./_fakes.ts";
import { type HealthState, nextHealth } from "./health.ts";
import { healthCheckOf, validateHealthCheck } from "./health-check.ts";

const SECOND = 1_000_000_000;
const result = (ExitCode: number) => ({ Start: "", End: "", ExitCode, Output: "" });
const starting: HealthState = { Status: "starting", FailingStreak: 0, Log: [] };
const after = (exitCodes: number[], isStartingUp = false) =>
  exitCodes.reduce((health, code) => nextHealth(health, result(code), { retries: 3, isStartingUp }), starting);

describe("nextHealth()", () => {
  test("is healthy after one success, unhealthy after so many failures in a row", () => {
    expect(after([0]).Status).toBe("healthy");
    expect(after([1, 1]).Status).toBe("starting");
    expect(after([0, 1, 1])).toMatchObject({ Status: "healthy", FailingStreak: 2 });
    expect(after([0, 1, 1, 1]).Status).toBe("unhealthy");
    expect(after([1, 1, 1, 0])).toMatchObject({ Status: "healthy", FailingStreak: 0 });
  });

  test("does not count failures while the container starts up, until it was healthy once", () => {
    expect(after([1, 1, 1, 1], true)).toMatchObject({ Status: "starting", FailingStreak: 0 });
    expect(after([0, 1, 1, 1], true).Status).toBe("unhealthy");
  });

  test("keeps the last five results", () => {
    expect(after([1, 2, 3, 4, 5, 6]).Log?.map((entry) => entry?.ExitCode)).toEqual([2, 3, 4, 5, 6]);
  });
});

test("healthCheckOf() fills in Docker's defaults, and knows what is none", () => {
  expect(healthCheckOf({ Healthcheck: { Test: ["CMD-SHELL", "true"] } })).toEqual({
    command: ["/bin/sh", "-c", "true"],
    intervalMs: 30_000,
    timeoutMs: 30_000,
    retries: 3,
    startPeriodMs: 0,
    startIntervalMs: 5_000,
  });
  expect(healthCheckOf({ Shell: ["/bin/ash", "-c"], Healthcheck: { Test: ["CMD-SHELL", "x"] } })?.command).toEqual([
    "/bin/ash",
    "-c",
    "x",
  ]);
  expect(healthCheckOf({ Healthcheck: { Test: ["NONE"] } })).toBeUndefined();
  expect(healthCheckOf({})).toBeUndefined();
});

test.each([
  [{ Interval: 5 }, "Interval in Healthcheck cannot be less than 1ms"],
  [{ Timeout: -1 }, "Timeout in Healthcheck cannot be less than 1ms"],
  [{ Retries: -1 }, "Retries in Healthcheck cannot be negative"],
  [{ Test: ["HTTP", "x"] }, 'unknown type "HTTP" in Healthcheck: use NONE, CMD or CMD-SHELL'],
])("validateHealthCheck() refuses %j", (check, message) => {
  expect(() => validateHealthCheck(check)).toThrow(message);
});

test("a running container is checked, its health shown, announced and filtered by", async () => {
  await using engine = new FakeEngine();
  const Healthcheck = { Test: ["CMD", "check"], Interval: SECOND, Retries: 1 };
  const container = await engine.run("web", { config: { Healthcheck } });
  const { id } = engine.containers.get("web");
  expect(engine.containers.health(id)?.Status).toBe("starting");

  const probe = async (exitCode: number, output: string) => {
    const count = engine.executor.monitors.length;
    await engine.until(() => engine.clock.nextMs === 1000);
    engine.clock.advance(1000);
    await engine.until(() => engine.executor.monitors.length > count && engine.executor.last.clients.length === 1);
    const frame = Buffer.from(`\x01\0\0\0\0\0\0${String.fromCharCode(output.length)}${output}`, "latin1");
    engine.executor.last.clients[0]?.end(frame);
    engine.executor.last.exit(exitCode);
    await engine.until(() => engine.containers.health(id)?.Log?.at(-1)?.Output === output);
  };
  await probe(0, "fine");
  expect(engine.containers.health(id)).toMatchObject({ Status: "healthy", FailingStreak: 0 });
  await probe(1, "broken");
  expect(engine.containers.health(id)?.Status).toBe("unhealthy");
  expect(engine.actions.filter((action) => action.startsWith("health"))).toEqual([
    "health_status: healthy",
    "health_status: unhealthy",
  ]);
  const unhealthy = await engine.containers.list({
    all: true,
    limit: 0,
    filters: new Map([["health", ["unhealthy"]]]),
  });
  expect(unhealthy.map(({ name }) => name)).toEqual(["web"]);
  container.exit(0);
  await engine.settle();
});

test("a check that takes too long is killed and counts as failed", async () => {
  await using engine = new FakeEngine();
  const Healthcheck = { Test: ["CMD", "check"], Interval: SECOND, Timeout: 2 * SECOND, Retries: 1 };
  const container = await engine.run("web", { config: { Healthcheck } });
  const { id } = engine.containers.get("web");
  await engine.until(() => engine.clock.nextMs === 1000);
  engine.clock.advance(1000);
  await engine.until(() => engine.executor.monitors.length === 2 && engine.executor.last.clients.length === 1);
  await engine.until(() => engine.clock.nextMs === 2000);
  engine.executor.last.clients[0]?.end();
  engine.clock.advance(2000);
  await engine.until(() => engine.containers.health(id)?.Status === "unhealthy");
  expect(engine.executor.last.signals).toEqual([9]);
  expect(engine.containers.health(id)?.Log?.[0]).toMatchObject({
    ExitCode: -1,
    Output: "Health check exceeded timeout (2000ms)",
  });
  container.exit(0);
  await engine.settle();
});

test("a daemon that ends waits for no check, and ends it", async () => {
  await using engine = new FakeEngine();
  await engine.run("web", { config: { Healthcheck: { Test: ["CMD", "check"] } } });
  await engine.until(() => engine.clock.nextMs !== undefined);
  engine.clock.advance(30_000);
  await engine.until(() => engine.executor.monitors.length === 2);
  const probe = engine.executor.last;
  await engine.until(() => probe.clients.length === 1);
  await engine.containers[Symbol.asyncDispose]();
  await engine.background.join();
  expect(probe.signals).toEqual([9]);
  expect(engine.actions.filter((action) => action.startsWith("health_status"))).toEqual([]);
});
