import { describe, expect, test } from "bun:test";
import { type FaultRegistry, faults, startFaultRegistry } from "#fixtures";
import { collect, descriptorOf, digestOf, makeClient, NEVER, pattern } from "./_testing.ts";
import { PIECE_BYTES, PIECES_AT_ONCE } from "./download.ts";

const SMALL = pattern(100_000);
const LARGE = pattern(5 * PIECE_BYTES + 12_345);
const DIGEST = digestOf(SMALL);

async function withBlobs(options: { ranges?: boolean } = {}): Promise<FaultRegistry> {
  const registry = await startFaultRegistry(options);
  registry.addBlob(SMALL);
  registry.addBlob(LARGE);
  return registry;
}

function ranges({ requests }: FaultRegistry): (string | undefined)[] {
  return requests
    .filter(({ path }) => path.includes("/blobs/"))
    .map(({ headers }) => headers.range as string | undefined);
}

function equal(actual: Uint8Array, expected: Uint8Array): boolean {
  return Buffer.from(actual).equals(expected);
}

/** What the other end sees of a closed connection arrives a little later. */
async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 5000 && !condition(); round += 1) await Bun.sleep(1);
  expect(condition()).toBe(true);
}

/** Collects, and settles a promise when so many bytes have come. */
function collectTelling(source: AsyncIterable<Uint8Array>, count: number, tell: () => void): Promise<Uint8Array> {
  async function* counted() {
    let received = 0;
    for await (const chunk of source) {
      received += chunk.length;
      if (received >= count) tell();
      yield chunk;
    }
  }
  return collect(counted());
}

describe("blob()", () => {
  test("fetches a small one at once", async () => {
    await using registry = await withBlobs();
    const blob = makeClient().repository(registry.host, "a").blob(descriptorOf(SMALL), { signal: NEVER });
    expect(equal(await collect(blob), SMALL)).toBe(true);
    expect(ranges(registry)).toEqual([undefined]);
  });

  test("fetches from an offset, and nothing at all of an empty one", async () => {
    await using registry = await withBlobs();
    const repository = makeClient().repository(registry.host, "a");
    const rest = await collect(repository.blob(descriptorOf(SMALL), { signal: NEVER, offset: 99_000 }));
    expect(equal(rest, SMALL.subarray(99_000))).toBe(true);
    expect(ranges(registry)).toEqual(["bytes=99000-99999"]);
    const empty = await collect(repository.blob(descriptorOf(new Uint8Array()), { signal: NEVER }));
    expect(empty).toHaveLength(0);
  });

  test("fetches a large one in pieces over several connections, in order", async () => {
    await using registry = await withBlobs();
    const repository = makeClient().repository(registry.host, "a");
    expect(equal(await collect(repository.blob(descriptorOf(LARGE), { signal: NEVER })), LARGE)).toBe(true);
    expect(ranges(registry)).toHaveLength(6);
    const offset = PIECE_BYTES + 77;
    const rest = await collect(repository.blob(descriptorOf(LARGE), { signal: NEVER, offset }));
    expect(equal(rest, LARGE.subarray(offset))).toBe(true);
  });

  test("holds no more than a few pieces, however slow who reads them is", async () => {
    await using registry = await withBlobs();
    const blob = makeClient().repository(registry.host, "a").blob(descriptorOf(LARGE), { signal: NEVER });
    const iterator = blob[Symbol.asyncIterator]();
    await iterator.next();
    await until(() => ranges(registry).length === PIECES_AT_ONCE);
    for (let round = 0; round < 100; round += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(ranges(registry)).toHaveLength(PIECES_AT_ONCE);
    await iterator.return?.();
    await until(() => registry.answering() === 0);
  });

  test("comes in one stream from a server that knows no ranges, and passes over what is there", async () => {
    await using registry = await withBlobs({ ranges: false });
    const repository = makeClient().repository(registry.host, "a");
    expect(equal(await collect(repository.blob(descriptorOf(LARGE), { signal: NEVER })), LARGE)).toBe(true);
    const rest = await collect(repository.blob(descriptorOf(SMALL), { signal: NEVER, offset: 70_000 }));
    expect(equal(rest, SMALL.subarray(70_000))).toBe(true);
  });

  test.each([true, false])("goes on where a broken connection ended (ranges: %p)", async (hasRanges) => {
    await using registry = await withBlobs({ ranges: hasRanges });
    const { promise: when, resolve } = Promise.withResolvers<void>();
    registry.fault(/GET .*blobs/, faults.cut(SMALL.subarray(0, 40_000), SMALL.length, { when }), 1);
    const client = makeClient();
    const blob = client.repository(registry.host, "a").blob(descriptorOf(SMALL), { signal: NEVER });
    expect(equal(await collectTelling(blob, 40_000, resolve), SMALL)).toBe(true);
    expect(client.clock.pausesMs).toEqual([400]);
    expect(ranges(registry)).toEqual([undefined, "bytes=40000-99999"]);
  });

  test("goes on after a body without length that ended too soon", async () => {
    await using registry = await withBlobs();
    registry.fault(
      /GET .*blobs/,
      (_request, response) => {
        response.writeHead(200);
        response.write(SMALL.subarray(0, 1000));
        response.end();
        return true;
      },
      1,
    );
    const blob = makeClient().repository(registry.host, "a").blob(descriptorOf(SMALL), { signal: NEVER });
    expect(equal(await collect(blob), SMALL)).toBe(true);
  });

  test("goes on when a server says nothing for too long", async () => {
    await using registry = await withBlobs();
    registry.fault(/GET .*blobs/, faults.stall(SMALL.subarray(0, 1000), SMALL.length), 1);
    const client = makeClient();
    const blob = client.repository(registry.host, "a").blob(descriptorOf(SMALL), { signal: NEVER });
    const chunks: Uint8Array[] = [];
    for await (const chunk of blob) {
      chunks.push(chunk);
      if (chunks.length === 1) setImmediate(() => client.clock.reachLimits());
    }
    expect(equal(new Uint8Array(Buffer.concat(chunks)), SMALL)).toBe(true);
    expect(client.clock.pausesMs).toEqual([400]);
    expect(client.clock.running).toBe(0);
  });

  test("asks again for what a server leaves out of a range", async () => {
    await using registry = await withBlobs();
    const headers = { "Content-Range": `bytes 50000-69999/${SMALL.length}` };
    registry.fault(/blobs/, faults.status(206, headers, SMALL.subarray(50_000, 70_000)), 1);
    const repository = makeClient().repository(registry.host, "a");
    const rest = await collect(repository.blob(descriptorOf(SMALL), { signal: NEVER, offset: 50_000 }));
    expect(equal(rest, SMALL.subarray(50_000))).toBe(true);
    expect(ranges(registry)).toEqual(["bytes=50000-99999", "bytes=70000-99999"]);
  });

  test("gives up after the tries it has", async () => {
    await using registry = await withBlobs({ ranges: false });
    registry.fault(/GET .*blobs/, faults.cut(SMALL.subarray(0, 10), SMALL.length));
    const client = makeClient({ maxDownloadAttempts: 3 });
    const failure = collect(client.repository(registry.host, "a").blob(descriptorOf(SMALL), { signal: NEVER }));
    await expect(failure).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("unexpected EOF"),
    });
    expect(ranges(registry)).toHaveLength(3);
  });

  test("has patience with a connection that breaks often, as long as each brings much", async () => {
    await using registry = await withBlobs({ ranges: false });
    const step = PIECE_BYTES + 1000;
    let received = 0;
    const { promise: atFirst, resolve: first } = Promise.withResolvers<void>();
    const { promise: atSecond, resolve: second } = Promise.withResolvers<void>();
    // The first answer only shows that there are no ranges.
    registry.fault(/GET .*blobs/, () => false, 1);
    registry.fault(/GET .*blobs/, faults.cut(LARGE.subarray(0, step), LARGE.length, { when: atFirst }), 1);
    registry.fault(/GET .*blobs/, faults.cut(LARGE.subarray(0, 2 * step), LARGE.length, { when: atSecond }), 1);
    const client = makeClient({ maxDownloadAttempts: 2 });
    const blob = client.repository(registry.host, "a").blob(descriptorOf(LARGE), { signal: NEVER });
    const chunks: Uint8Array[] = [];
    for await (const chunk of blob) {
      chunks.push(chunk);
      received += chunk.length;
      if (received >= step) first();
      if (received >= 2 * step) second();
    }
    expect(equal(new Uint8Array(Buffer.concat(chunks)), LARGE)).toBe(true);
    expect(client.clock.pausesMs).toEqual([400, 400]);
  });

  test.each<[string, (registry: FaultRegistry) => void, string]>([
    [
      "another length",
      (registry) => registry.fault(/blobs/, faults.status(200, {}, SMALL.subarray(1))),
      `blob ${DIGEST}: the registry has 99999 bytes, the manifest says 100000`,
    ],
    [
      "a body without end",
      (registry) => registry.fault(/blobs/, faults.endless()),
      `blob ${DIGEST}: the registry has more bytes, the manifest says 100000`,
    ],
    [
      "nothing there",
      (registry) => registry.fault(/blobs/, faults.error(404, "BLOB_UNKNOWN", "blob unknown to registry")),
      "blob unknown: blob unknown to registry",
    ],
  ])("refuses %s at once", async (_name, spoil, message) => {
    await using registry = await withBlobs();
    spoil(registry);
    const client = makeClient();
    const blob = client.repository(registry.host, "a").blob(descriptorOf(SMALL), { signal: NEVER });
    await expect(collect(blob)).rejects.toThrow(message);
    expect(client.clock.pausesMs).toEqual([]);
    await until(() => registry.answering() === 0);
  });

  test.each<[string, number, Record<string, string>, string]>([
    [
      "of other bytes",
      206,
      { "Content-Range": "bytes 0-999/100000" },
      "asked for bytes 99000-99999, the registry sends others",
    ],
    ["of another blob", 206, { "Content-Range": "bytes 99000-99999/200000" }, "the registry has 200000 bytes"],
    ["beyond its end", 416, {}, "the registry has fewer bytes"],
  ])("refuses a range %s", async (_name, status, headers, message) => {
    await using registry = await withBlobs();
    registry.fault(/blobs/, faults.status(status, headers, new Uint8Array(1000)));
    const blob = makeClient()
      .repository(registry.host, "a")
      .blob(descriptorOf(SMALL), { signal: NEVER, offset: 99_000 });
    await expect(collect(blob)).rejects.toThrow(message);
  });

  test("passes a failure of a later piece on, after what came before it", async () => {
    await using registry = await withBlobs();
    let requests = 0;
    registry.fault(/GET .*blobs/, (_request, response) => {
      requests += 1;
      if (requests !== 2) return false;
      response.writeHead(404, { "Content-Length": "0" });
      response.end();
      return true;
    });
    const blob = makeClient().repository(registry.host, "a").blob(descriptorOf(LARGE), { signal: NEVER });
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of blob) bytes += chunk.length;
    })();
    await expect(reading).rejects.toThrow("unknown: HTTP status 404");
    expect(bytes % PIECE_BYTES).toBe(0);
    await until(() => registry.answering() === 0);
  });

  test("closes its connections when it is cancelled", async () => {
    await using registry = await withBlobs();
    const controller = new AbortController();
    const client = makeClient();
    const blob = client.repository(registry.host, "a").blob(descriptorOf(LARGE), { signal: controller.signal });
    const reading = (async () => {
      for await (const _chunk of blob) controller.abort();
    })();
    await expect(reading).rejects.toMatchObject({ kind: "canceled" });
    await until(() => registry.answering() === 0);
    expect(client.clock.running).toBe(0);
  });

  test("goes from a mirror that breaks to the registry, without a pause and without beginning again", async () => {
    await using mirror = await withBlobs();
    await using registry = await withBlobs();
    const { promise: when, resolve } = Promise.withResolvers<void>();
    mirror.fault(/GET .*blobs/, faults.cut(SMALL.subarray(0, 60_000), SMALL.length, { when }));
    const rules = new Map([[registry.host, { mirrors: [`${mirror.url}/`], rewrite: [], insecure: false }]]);
    const client = makeClient({ rules });
    const blob = client.repository(registry.host, "a").blob(descriptorOf(SMALL), { signal: NEVER });
    expect(equal(await collectTelling(blob, 60_000, resolve), SMALL)).toBe(true);
    expect(ranges(registry)).toEqual(["bytes=60000-99999"]);
    expect(client.clock.pausesMs).toEqual([]);
  });

  test("waits for its turn, and may be cancelled meanwhile", async () => {
    await using registry = await withBlobs();
    const client = makeClient({ maxConcurrentDownloads: 1 });
    const repository = client.repository(registry.host, "a");
    const first = repository.blob(descriptorOf(SMALL), { signal: NEVER })[Symbol.asyncIterator]();
    await first.next();
    const controller = new AbortController();
    const second = collect(repository.blob(descriptorOf(SMALL), { signal: controller.signal }));
    const third = collect(repository.blob(descriptorOf(SMALL), { signal: NEVER }));
    controller.abort();
    await expect(second).rejects.toMatchObject({ kind: "canceled" });
    expect(ranges(registry)).toHaveLength(1);
    await first.return?.();
    expect(equal(await third, SMALL)).toBe(true);
  });
});
