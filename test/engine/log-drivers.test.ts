/** Logs that are sent away: by a real daemon, over its death, beside a sink that is slow, dead or away. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { streamSink, type TestSink } from "#fixtures";
import { TestDaemon } from "./_daemon.ts";

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const ok = (...args: string[]) => daemon.ok("docker", args);
const syslogTo = (sink: TestSink, ...more: string[]) => [
  "--log-driver=syslog",
  `--log-opt=syslog-address=tcp://${sink.address}`,
  ...more.map((opt) => `--log-opt=${opt}`),
];

/** The texts that arrived, each once. */
function texts(sink: TestSink): string[] {
  const lines = Buffer.concat(sink.received).toString().split("\n").slice(0, -1);
  return [...new Set(lines.map((line) => line.replace(/^.*?\]: /, "")))];
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index));
}

async function arrival(sink: TestSink, condition: () => boolean): Promise<void> {
  const there = Promise.withResolvers<void>();
  sink.onData = () => condition() && there.resolve();
  if (condition()) there.resolve();
  await there.promise;
}

test("a container that is removed when it ends has sent all it wrote, and logs reads it until then", async () => {
  await using sink = await streamSink({ port: 0 });
  await ok("run", "--rm", ...syslogTo(sink), "busybox", "seq", "1", "5000");
  expect(texts(sink)).toEqual(numbers(1, 5001));
  await ok("run", "--name", "kept", ...syslogTo(sink), "busybox", "echo", "here");
  expect(await ok("logs", "kept")).toBe("here");
  expect(await ok("inspect", "-f", "{{.HostConfig.LogConfig.Type}}", "kept")).toBe("syslog");
  expect(await ok("info", "-f", "{{.Plugins.Log}}")).toBe("[fluentd gelf journald json-file local syslog]");
  await ok("rm", "kept");
});

test("a daemon that is killed loses no line", async () => {
  await using sink = await streamSink({ port: 0 });
  const program = "i=0; while [ $i -lt 600 ]; do echo $i; i=$((i+1)); usleep 2000; done";
  await ok("run", "-d", "--name", "long", ...syslogTo(sink), "busybox", "sh", "-c", program);
  for (const count of [50, 200, 400]) {
    await arrival(sink, () => texts(sink).length > count);
    await daemon.crash();
    await daemon.up();
  }
  await arrival(sink, () => texts(sink).length === 600);
  expect(texts(sink)).toEqual(numbers(0, 600));
  await ok("rm", "-f", "long");
});

test("a container that floods its log beside a dead sink is not held up; what does not fit is counted", async () => {
  await using sink = await streamSink({ port: 0 });
  await sink.die();
  const spool = ["cache-max-size=100k", "cache-max-file=3"];
  // Twice, with time for a look between: what comes and goes between two looks nobody can count.
  const twice = "seq 1 50000; sleep 1; seq 50001 100000";
  await ok("run", "--name", "flood", ...syslogTo(sink, ...spool), "busybox", "sh", "-c", twice);
  const id = await ok("inspect", "-f", "{{.Id}}", "flood");
  const folder = join(daemon.dataRoot, "containers", id);
  const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(500_000);
  await sink.rise();
  await arrival(sink, () => texts(sink).includes("100000"));
  const arrived = texts(sink).map(Number);
  expect(arrived).toEqual(arrived.toSorted((a, b) => a - b));
  expect(arrived.length).toBeGreaterThan(1000);
  expect(daemon.log).toContain("log lines were rotated away before their sink took them");
  await ok("rm", "flood");
});

test("a sink that reads nothing for a while gets everything afterwards", async () => {
  await using sink = await streamSink({ port: 0 });
  sink.pause();
  await ok("run", "--name", "slow", ...syslogTo(sink), "busybox", "seq", "1", "300000");
  sink.goOn();
  await arrival(sink, () => texts(sink).length === 300_000);
  expect(texts(sink)).toEqual(numbers(1, 300_001));
  await ok("rm", "slow");
}, 30_000);

test("a default log is bounded", async () => {
  await ok(
    "run",
    "--name",
    "much",
    "busybox",
    "sh",
    "-c",
    "yes 0123456789012345678901234567890123456789 | head -n 1500000",
  );
  const id = await ok("inspect", "-f", "{{.Id}}", "much");
  const folder = join(daemon.dataRoot, "containers", id);
  const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(100_000_000);
  expect(Math.max(...sizes)).toBeGreaterThan(19_000_000);
  expect(await ok("logs", "--tail", "1", "much")).toBe("0123456789012345678901234567890123456789");
  await ok("rm", "much");
}, 30_000);

test("a daemon whose default is another driver", async () => {
  await using sink = await streamSink({ port: 0 });
  await using other = await TestDaemon.start({
    flags: ["--log-driver=gelf", `--log-opt=gelf-address=tcp://${sink.address}`],
  });
  await other.ok("docker", ["run", "--rm", "busybox", "echo", "by default"]);
  const [message] = Buffer.concat(sink.received).toString().split("\0");
  expect(JSON.parse(message ?? "")).toMatchObject({ short_message: "by default", _command: "echo by default" });
  expect(await other.ok("docker", ["info", "-f", "{{.LoggingDriver}}"])).toBe("gelf");
});
