import { expect, test } from "bun:test";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { unixDatagramSink } from "#fixtures";
import { arrival, SUBJECT, shippingSuite, Workshop } from "./conformance.ts";
import { journaldAt } from "./journald.ts";
import type { RemoteDriver } from "./sink.ts";

/** The journal that the option names, as tests have one each. */
const journal: RemoteDriver = {
  options: [],
  validate: () => undefined,
  sink: (options, ...others) => journaldAt(options.socket ?? "").sink(options, ...others),
};

function entry(message: Buffer): Record<string, string> {
  const found: Record<string, string> = {};
  for (let at = 0; at < message.length; ) {
    const end = message.indexOf("\n", at);
    const line = message.toString("utf8", at, end);
    const equals = line.indexOf("=");
    at = end + 1;
    if (equals >= 0) found[line.slice(0, equals)] = line.slice(equals + 1);
    else {
      const size = Number(message.readBigUInt64LE(at));
      found[line] = message.toString("utf8", at + 8, at + 8 + size);
      at += 8 + size + 1;
    }
  }
  return found;
}

shippingSuite("journald", {
  driver: journal,
  sink: (at) => unixDatagramSink(join(at, "sink")),
  options: (sink) => ({ socket: sink.address }),
  lines: (received) => received.map((message) => entry(message).MESSAGE as string),
  slowLines: 1000,
});

test("an entry says of its line and container what Docker says", async () => {
  await using workshop = new Workshop();
  await using sink = await unixDatagramSink(join(workshop.folder, "sink"));
  workshop.write([""], "stderr");
  const part = { log: "two\nlines", stream: "stderr", time: "2026-01-02T03:04:05.5Z" };
  appendFileSync(workshop.path, `${JSON.stringify(part)}\n`);
  const shipper = workshop.ship(journal, { socket: sink.address, labels: "tier", env: "STAGE", tag: "{{.ID}}!" });
  await arrival(sink, () => sink.received.length > 0);
  await shipper.stop();
  const id = SUBJECT.id.slice(0, 12);
  expect(sink.received.map(entry)).toEqual([
    {
      CONTAINER_ID: id,
      CONTAINER_ID_FULL: SUBJECT.id,
      CONTAINER_NAME: "web",
      CONTAINER_TAG: `${id}!`,
      IMAGE_NAME: "busybox:1",
      SYSLOG_IDENTIFIER: `${id}!`,
      TIER: "db",
      STAGE: "prod",
      MESSAGE: "two\nlines",
      PRIORITY: "3",
      CONTAINER_LOG_EPOCH: expect.stringMatching(/^[0-9a-f]{64}$/),
      CONTAINER_LOG_ORDINAL: "1",
      SYSLOG_TIMESTAMP: "2026-01-02T03:04:05.5Z",
      CONTAINER_PARTIAL_ID: expect.stringMatching(/^[0-9a-f]{64}$/),
      CONTAINER_PARTIAL_ORDINAL: "1",
      CONTAINER_PARTIAL_LAST: "false",
      CONTAINER_PARTIAL_MESSAGE: "true",
    },
  ]);
});

test("journald is refused on a machine that has none", () => {
  expect(() => journaldAt("/nope/socket").validate({})).toThrow("journald is not enabled on this host");
});
