import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates, streamSink, udpSink, unixDatagramSink } from "#fixtures";
import { arrival, SUBJECT, shippingSuite, Workshop } from "./conformance.ts";
import { syslog } from "./syslog.ts";

// The formats have local times.
process.env.TZ = "UTC";

const folder = mkdtempSync(join(tmpdir(), "tug-syslog-"));
const certificates = makeCertificates(folder);
afterAll(() => rmSync(folder, { recursive: true }));

/** What stands after the tag. */
const textOf = (message: string) => message.replace(/^.*?\]: /s, "");
const split = (received: readonly Buffer[]) => Buffer.concat(received).toString().split("\n").slice(0, -1);
const streamLines = (received: readonly Buffer[]) => split(received).map(textOf);
const datagramLines = (received: readonly Buffer[]) =>
  received.map((message) => textOf(message.toString().replace(/\n$/, "")));

shippingSuite("syslog over tcp", {
  driver: syslog,
  sink: () => streamSink({ port: 0 }),
  options: (sink) => ({ "syslog-address": `tcp://${sink.address}` }),
  lines: streamLines,
});

shippingSuite("syslog over tls", {
  driver: syslog,
  sink: () => streamSink({ port: 0 }, certificates),
  options: (sink) => ({ "syslog-address": `tcp+tls://${sink.address}`, "syslog-tls-ca-cert": certificates.files.ca }),
  lines: streamLines,
});

shippingSuite("syslog over a unix socket", {
  driver: syslog,
  sink: (at) => streamSink({ path: join(at, "sink") }),
  options: (sink) => ({ "syslog-address": `unix://${sink.address}` }),
  lines: streamLines,
});

shippingSuite("syslog over udp", {
  driver: syslog,
  sink: () => udpSink(),
  options: (sink) => ({ "syslog-address": `udp://${sink.address}` }),
  lines: datagramLines,
  slowLines: 50,
});

shippingSuite("syslog over datagrams of a unix socket", {
  driver: syslog,
  sink: (at) => unixDatagramSink(join(at, "sink")),
  options: (sink) => ({ "syslog-address": `unixgram://${sink.address}` }),
  lines: datagramLines,
  slowLines: 1000,
});

const id = SUBJECT.id.slice(0, 12);
const host = hostname();

test.each([
  ["", "stdout", `<30>Jan  2 03:04:05 ${id}[99]: hello`],
  ["", "stderr", `<27>Jan  2 03:04:05 ${id}[99]: hello`],
  ["rfc3164", "stdout", `<30>Jan  2 03:04:05 ${host} ${id}[99]: hello`],
  ["rfc5424", "stdout", `<30>1 2026-01-02T03:04:05Z ${host} ${id} 99 ${id} - hello`],
  ["rfc5424micro", "stdout", `<30>1 2026-01-02T03:04:05.123456Z ${host} ${id} 99 ${id} - hello`],
])("the format %p of a line of %s", async (format, stream, message) => {
  await using workshop = new Workshop();
  await using sink = await streamSink({ port: 0 });
  workshop.write(["hello"], stream);
  const shipper = workshop.ship(syslog, { "syslog-address": `tcp://${sink.address}`, "syslog-format": format });
  await arrival(sink, () => sink.received.length > 0);
  await shipper.stop();
  expect(Buffer.concat(sink.received).toString()).toBe(`${message}\n`);
});

test("RFC 5424 over TLS is framed by length, with facility and tag of one's own", async () => {
  await using workshop = new Workshop();
  await using sink = await streamSink({ port: 0 }, certificates);
  workshop.write(["hello"]);
  const shipper = workshop.ship(syslog, {
    "syslog-address": `tcp+tls://${sink.address}`,
    "syslog-tls-skip-verify": "true",
    "syslog-format": "rfc5424",
    "syslog-facility": "local7",
    tag: "{{.Name}}/{{upper .ImageName}}",
  });
  await arrival(sink, () => sink.received.length > 0);
  await shipper.stop();
  const message = `<190>1 2026-01-02T03:04:05Z ${host} web/BUSYBOX:1 99 web/BUSYBOX:1 - hello\n`;
  expect(Buffer.concat(sink.received).toString()).toBe(`${message.length} ${message}`);
});

test("a server that its authority did not sign gets nothing", async () => {
  await using workshop = new Workshop();
  await using sink = await streamSink({ port: 0 }, certificates);
  workshop.write(["hello"]);
  const shipper = workshop.ship(syslog, { "syslog-address": `tcp+tls://${sink.address}` });
  await shipper.failed;
  await shipper.stop();
  expect(sink.received).toEqual([]);
});

test.each([
  [{ "syslog-address": "foo" }, "unsupported scheme: ''"],
  [{ "syslog-address": "foo://x" }, "unsupported scheme: 'foo'"],
  [{ "syslog-address": "unix:///nope" }, "stat /nope: no such file or directory"],
  [{ "syslog-address": "tcp://127.0.0.1:1:2" }, "address 127.0.0.1:1:2: too many colons in address"],
  [{ "syslog-facility": "foo" }, "invalid syslog facility"],
  [{ "syslog-facility": "24" }, "invalid syslog facility"],
  [{ "syslog-format": "foo" }, "Invalid syslog format"],
  [
    { "syslog-address": "tcp+tls://127.0.0.1:1", "syslog-tls-ca-cert": "/nope" },
    'could not read CA certificate "/nope": open /nope: no such file or directory',
  ],
])("syslog refuses %j", (options: Record<string, string>, message) => {
  expect(() => syslog.validate(options)).toThrow(message);
});
