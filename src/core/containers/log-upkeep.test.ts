import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { streamSink } from "#fixtures";
import { FakeEngine } from "./_fakes.ts";
import type { ContainerID } from "./container.ts";

const record = (log: string) => `${JSON.stringify({ log, stream: "stdout", time: "2026-01-02T03:04:05Z" })}\n`;

function logOf(engine: FakeEngine, id: string): string {
  return engine.layout.files(id as ContainerID).log;
}

const syslogTo = (address: string, more: Record<string, string> = {}) =>
  ({
    LogConfig: { Type: "syslog", Config: { "syslog-address": `tcp://${address}`, ...more } },
  }) as const;

test("rotated files of running containers are compressed after a while, where that is wished", async () => {
  await using engine = new FakeEngine();
  const wished = await engine.create("wished");
  const Config = { "max-size": "1m", "max-file": "3" };
  const unwished = await engine.create("unwished", { hostConfig: { LogConfig: { Type: "json-file", Config } } });
  for (const id of [wished, unwished]) {
    await engine.containers.start(id);
    for (const suffix of ["", ".1"]) writeFileSync(logOf(engine, id) + suffix, record("x\n"));
  }
  engine.containers.resumeRestarts();
  engine.clock.advance(15_000);
  const compressed = (id: string) => readdirSync(dirname(logOf(engine, id))).filter((name) => name.endsWith(".gz"));
  await engine.until(() => compressed(wished).length === 1);
  await engine.until(() => engine.clock.nextMs === 15_000);
  expect(compressed(unwished)).toEqual([]);
});

test("what a container wrote is sent while it runs; --rm waits until it is", async () => {
  await using sink = await streamSink({ port: 0 });
  await using engine = new FakeEngine();
  const id = await engine.create("web", { hostConfig: { ...syslogTo(sink.address), AutoRemove: true } });
  await engine.containers.start(id);
  writeFileSync(logOf(engine, id), record("hello\n"));
  engine.executor.last.exit(0);
  await engine.settle();
  expect(Buffer.concat(sink.received).toString()).toEndWith(`${id.slice(0, 12)}[4321]: hello\n`);
  expect(engine.actions.at(-1)).toBe("destroy");
});

test("a removal does not wait for a sink that is not there", async () => {
  await using sink = await streamSink({ port: 0 });
  await sink.die();
  await using engine = new FakeEngine();
  const id = await engine.create("web", { hostConfig: { ...syslogTo(sink.address), AutoRemove: true } });
  await engine.containers.start(id);
  writeFileSync(logOf(engine, id), record("hello\n"));
  engine.executor.last.exit(0);
  await engine.settle();
  expect(engine.actions.at(-1)).toBe("destroy");
});

test("what an earlier daemon did not send of a container that ended is sent by the next", async () => {
  await using sink = await streamSink({ port: 0 });
  await using engine = new FakeEngine();
  const id = await engine.create("web", { hostConfig: syslogTo(sink.address) });
  mkdirSync(dirname(logOf(engine, id)), { recursive: true });
  writeFileSync(logOf(engine, id), record("left over\n"));
  const arrived = new Promise<void>((resolve) => {
    sink.onData = () => resolve();
  });
  engine.containers.resumeRestarts();
  await arrived;
  expect(Buffer.concat(sink.received).toString()).toEndWith("left over\n");
  await engine.containers[Symbol.asyncDispose]();
});

test("logs of a driver that sends them are read back, unless its cache is switched off", async () => {
  await using engine = new FakeEngine();
  const request = { follow: false, stdout: true, stderr: true, timestamps: false, details: false };
  const bounds = { tail: -1, since: "", until: "" };
  const id = await engine.create("web", { hostConfig: syslogTo("127.0.0.1:1"), config: { Tty: true } });
  mkdirSync(dirname(logOf(engine, id)), { recursive: true });
  writeFileSync(logOf(engine, id), record("hello\n"));
  const pieces = await Array.fromAsync(await engine.containers.logs(id, { ...request, ...bounds }));
  expect(Buffer.concat(pieces).toString()).toBe("hello\n");
  await engine.create("mute", { hostConfig: syslogTo("127.0.0.1:1", { "cache-disabled": "true" }) });
  await expect(engine.containers.logs("mute", { ...request, ...bounds })).rejects.toThrow(
    "configured logging driver does not support reading",
  );
  expect(readdirSync(join(engine.folder, "data/containers"))).toHaveLength(2);
});
