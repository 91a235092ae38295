import { expect, test } from "bun:test";
import { hostname } from "node:os";
import { gunzipSync, inflateSync } from "node:zlib";
import { streamSink, udpSink } from "#fixtures";
import { arrival, SUBJECT, shippingSuite, Workshop } from "./conformance.ts";
import { gelf } from "./gelf.ts";

interface Message {
  readonly short_message: string;
}

const parse = (text: string) => JSON.parse(text) as Message;

/** The messages of packets, chunked ones put together. */
function messages(received: readonly Buffer[], inflate: (bytes: Buffer) => Buffer): Message[] {
  const chunked = new Map<string, Buffer[]>();
  return received.flatMap((packet) => {
    if (packet[0] !== 0x1e || packet[1] !== 0x0f) return [parse(inflate(packet).toString())];
    const id = packet.toString("hex", 2, 10);
    const parts = chunked.get(id) ?? [];
    chunked.set(id, parts);
    parts[packet[10] as number] = packet.subarray(12);
    return parts.filter(Boolean).length === packet[11] ? [parse(inflate(Buffer.concat(parts)).toString())] : [];
  });
}

shippingSuite("gelf over tcp", {
  driver: gelf,
  sink: () => streamSink({ port: 0 }),
  options: (sink) => ({ "gelf-address": `tcp://${sink.address}` }),
  lines: (received) => {
    const texts = Buffer.concat(received).toString().split("\0").slice(0, -1);
    return texts.map((text) => parse(text).short_message);
  },
});

shippingSuite("gelf over udp", {
  driver: gelf,
  sink: () => udpSink(),
  options: (sink) => ({ "gelf-address": `udp://${sink.address}` }),
  lines: (received) => messages(received, gunzipSync).map((message) => message.short_message),
  slowLines: 50,
});

async function sent(lines: readonly string[], options: Record<string, string>, stream = "stdout"): Promise<Buffer[]> {
  await using workshop = new Workshop();
  await using sink = await udpSink();
  workshop.write(lines, stream);
  const shipper = workshop.ship(gelf, { "gelf-address": `udp://${sink.address}`, ...options });
  await arrival(sink, () => sink.received.length > 0);
  shipper.finish();
  await shipper.done;
  return sink.received;
}

test("a message says of its container what Docker says", async () => {
  const options = { labels: "tier", env: "STAGE", "gelf-compression-type": "none", tag: "{{.Name}}" };
  const [message] = messages(await sent(["hello"], options, "stderr"), (bytes) => bytes);
  expect(message as object).toEqual({
    version: "1.1",
    host: hostname(),
    short_message: "hello",
    timestamp: 1767323045.123,
    level: 3,
    _command: "echo hello",
    _container_id: SUBJECT.id,
    _container_name: "web",
    _created: "2026-01-02T03:04:05.000000006Z",
    _image_id: SUBJECT.imageID,
    _image_name: "busybox:1",
    _tag: "web",
    _tier: "db",
    _STAGE: "prod",
  });
});

test("empty lines are no messages", async () => {
  const received = await sent(["", "hello"], { "gelf-compression-type": "zlib", "gelf-compression-level": "9" });
  expect(messages(received, inflateSync).map(({ short_message }) => short_message)).toEqual(["hello"]);
});

test("a message that fits into no packet comes in chunks", async () => {
  const line = Array.from({ length: 5000 }, (_, index) => index.toString(36)).join("-");
  await using workshop = new Workshop();
  await using sink = await udpSink();
  workshop.write([line]);
  const shipper = workshop.ship(gelf, { "gelf-address": `udp://${sink.address}` });
  await arrival(sink, () => messages(sink.received, gunzipSync).length === 1);
  await shipper.stop();
  expect(sink.received.length).toBeGreaterThan(1);
  expect(Math.max(...sink.received.map(({ length }) => length))).toBe(1420);
  expect(messages(sink.received, gunzipSync)[0]?.short_message).toBe(line);
});

test.each([
  [{}, "gelf-address is a required parameter"],
  [{ "gelf-address": "unix://foo" }, "gelf: endpoint needs to be TCP or UDP"],
  [{ "gelf-address": "udp://foo" }, "gelf: please provide gelf-address as proto://host:port"],
  [
    { "gelf-address": "udp://h:1", "gelf-compression-level": "10" },
    'unknown value "10" for log opt "gelf-compression-level" for gelf log driver',
  ],
  [
    { "gelf-address": "udp://h:1", "gelf-compression-type": "x" },
    'unknown value "x" for log opt "gelf-compression-type" for gelf log driver',
  ],
  [{ "gelf-address": "udp://h:1", "gelf-tcp-max-reconnect": "1" }, '"gelf-tcp-max-reconnect" is only valid for TCP'],
  [{ "gelf-address": "tcp://h:1", "gelf-tcp-reconnect-delay": "-1" }, '"gelf-tcp-reconnect-delay" must be a positive'],
  [{ "gelf-address": "tcp://h:1", "gelf-compression-type": "gzip" }, "compression is only supported on UDP"],
])("gelf refuses %j", (options: Record<string, string>, message) => {
  expect(() => gelf.validate(options)).toThrow(message);
});
