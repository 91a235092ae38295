import { expect, test } from "bun:test";
import { appendFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { streamSink, type TestSink, unpackAll } from "#fixtures";
import { arrival, numbered, SUBJECT, shippingSuite, Workshop } from "./conformance.ts";
import { fluentd } from "./fluentd.ts";
import { pack } from "./msgpack.ts";

type Message = [tag: string, time: unknown, record: Record<string, string>, option: { chunk?: string }];

const messages = (received: readonly Buffer[]) => unpackAll(Buffer.concat(received)) as Message[];
const linesOf = (received: readonly Buffer[]) => messages(received).map(([, , record]) => record.log as string);

/** Answers as fluentd does when it is asked to. */
function acknowledging(sink: TestSink): TestSink {
  const open = new WeakMap<Socket, { rest: Buffer[]; answered: number }>();
  sink.onData = (data, socket) => {
    if (!socket) return;
    const state = open.get(socket) ?? { rest: [], answered: 0 };
    open.set(socket, state);
    state.rest.push(data);
    const all = messages(state.rest);
    for (const [, , , { chunk }] of all.slice(state.answered)) socket.write(pack({ ack: chunk ?? "" }));
    state.answered = all.length;
  };
  return sink;
}

shippingSuite("fluentd over tcp", {
  driver: fluentd,
  sink: () => streamSink({ port: 0 }),
  options: (sink) => ({ "fluentd-address": sink.address }),
  lines: linesOf,
  slowLines: 2000,
});

shippingSuite("fluentd over a unix socket, with acknowledgements", {
  driver: fluentd,
  sink: async (at) => acknowledging(await streamSink({ path: join(at, "sink") })),
  options: (sink) => ({ "fluentd-address": `unix://${sink.address}`, "fluentd-request-ack": "true" }),
  lines: linesOf,
  slowLines: 2000,
});

test("a record says of its line and container what Docker says", async () => {
  await using workshop = new Workshop();
  await using sink = await streamSink({ port: 0 });
  workshop.write(["hello"], "stderr");
  const shipper = workshop.ship(fluentd, {
    "fluentd-address": `tcp://${sink.address}`,
    "fluentd-sub-second-precision": "true",
    labels: "tier",
    "env-regex": "^ST",
    tag: "docker.{{.Name}}",
  });
  await arrival(sink, () => messages(sink.received).length === 1);
  await shipper.stop();
  expect(messages(sink.received)).toEqual([
    [
      "docker.web",
      { type: 0, seconds: 1767323045, nanoseconds: 123456789 },
      { container_id: SUBJECT.id, container_name: "/web", source: "stderr", log: "hello", tier: "db", STAGE: "prod" },
      {},
    ],
  ]);
});

test("the parts of a line are told apart, over a change of daemons", async () => {
  await using workshop = new Workshop();
  await using sink = await streamSink({ port: 0 });
  const part = (log: string, stream = "stdout") =>
    appendFileSync(workshop.path, `${JSON.stringify({ log, stream, time: "2026-01-02T03:04:05.5Z" })}\n`);
  part("a");
  part("other\n", "stderr");
  const options = { "fluentd-address": `tcp://${sink.address}` };
  const first = workshop.ship(fluentd, options);
  first.finish();
  await first.done;
  part("b");
  part("c\n");
  part("alone\n");
  const second = workshop.ship(fluentd, options);
  second.finish();
  await second.done;
  await arrival(sink, () => messages(sink.received).length === 5);
  const records = messages(sink.received).map(([, , record]) => record);
  const told = records.map(({ log, partial_message, partial_ordinal, partial_last }) =>
    [log, partial_message, partial_ordinal, partial_last].join(" "),
  );
  expect(told).toEqual(["a true 1 false", "other   ", "b true 2 false", "c true 3 true", "alone   "]);
  expect(new Set([0, 2, 3].map((index) => records[index]?.partial_id)).size).toBe(1);
  expect(records[0]?.partial_id).toMatch(/^[0-9a-f]{64}$/);
});

test("what was not acknowledged is sent again", async () => {
  await using workshop = new Workshop();
  await using sink = await streamSink({ port: 0 });
  workshop.write(numbered(0, 5));
  sink.onData = (_, socket) => socket?.destroy();
  const shipper = workshop.ship(fluentd, { "fluentd-address": sink.address, "fluentd-request-ack": "true" });
  await shipper.failed;
  acknowledging(sink);
  shipper.finish();
  await shipper.done;
  expect([...new Set(linesOf(sink.received))]).toEqual(numbered(0, 5));
});

test.each([
  ["tcp://127.0.0.1:12/path", "invalid fluentd-address (tcp://127.0.0.1:12/path): should not contain a path element"],
  ["foo://127.0.0.1:12", "invalid fluentd-address (foo://127.0.0.1:12): unsupported scheme: 'foo'"],
  ["unix://", "invalid fluentd-address (unix://): path is empty"],
  ["a:x", 'invalid fluentd-address (a:x): parse "tcp://a:x": invalid port ":x" after host'],
])("fluentd refuses the address %s", (address, message) => {
  expect(() => fluentd.validate({ "fluentd-address": address })).toThrow(message);
});

test.each([
  ["buffer-limit", "x", "invalid size: 'x'"],
  ["retry-wait", "x", 'time: invalid duration "x"'],
  ["max-retries", "x", 'strconv.ParseUint: parsing "x": invalid syntax'],
  ["async", "x", 'strconv.ParseBool: parsing "x": invalid syntax'],
  ["request-ack", "x", 'strconv.ParseBool: parsing "x": invalid syntax'],
  [
    "write-timeout",
    "x",
    'invalid value for fluentd-write-timeout: value must be a duration: time: invalid duration "x"',
  ],
  [
    "async-reconnect-interval",
    "1",
    'invalid value for fluentd-async-reconnect-interval: time: missing unit in duration "1"',
  ],
  [
    "async-reconnect-interval",
    "1ms",
    'invalid value for fluentd-async-reconnect-interval: value ("1ms") must be between 100ms and 10s',
  ],
])("fluentd refuses %s=%s", (option, value, message) => {
  expect(() => fluentd.validate({ [`fluentd-${option}`]: value })).toThrow(message);
});
