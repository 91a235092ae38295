import { describe, expect, test } from "bun:test";
import { type FaultRegistry, faults, startFaultRegistry } from "#fixtures";
import { digestOf, makeClient, NEVER, pattern } from "./_testing.ts";
import type { OutgoingBlob } from "./distribution.ts";
import type { Fetch } from "./transport.ts";

const SMALL = pattern(300_000);
const LARGE = pattern(70 * 1024 * 1024);

/** A blob that says how often, and from where, it was opened. */
function outgoing(bytes: Uint8Array, known: boolean) {
  const opened: number[] = [];
  async function* open(offset: number): AsyncGenerator<Uint8Array> {
    opened.push(offset);
    for (let start = offset; start < bytes.length; start += 65_536) yield bytes.subarray(start, start + 65_536);
  }
  const blob: OutgoingBlob = { open, ...(known && { digest: digestOf(bytes), size: bytes.length }) };
  return { blob, opened };
}

function lines({ requests }: FaultRegistry): string[] {
  return requests
    .slice(1)
    .map(({ method, headers }) =>
      [method, headers["content-range"], headers["content-length"]].filter(Boolean).join(" "),
    );
}

function stored(registry: FaultRegistry, bytes: Uint8Array): boolean {
  const found = registry.blobs.get(digestOf(bytes));
  return found !== undefined && Buffer.from(found).equals(bytes);
}

/** The first request of that method breaks after so many bytes of its body. */
function breaking(method: string, afterBytes: number): Fetch {
  let isBroken = false;
  return (url, init) => {
    if (init.method !== method || isBroken) return fetch(url, init);
    isBroken = true;
    const body = init.body as unknown as AsyncIterable<Uint8Array>;
    async function* cut() {
      let sent = 0;
      for await (const chunk of body) {
        if (sent >= afterBytes) throw Object.assign(new TypeError("broken"), { code: "ECONNRESET" });
        sent += chunk.length;
        yield chunk;
      }
    }
    return fetch(url, { ...init, body: cut() as never });
  };
}

describe("pushBlob()", () => {
  test.each([0, 1, 300_000])("sends %d bytes whose digest is known in one request", async (size) => {
    await using registry = await startFaultRegistry();
    const { blob, opened } = outgoing(SMALL.subarray(0, size), true);
    const progress: number[] = [];
    const repository = makeClient().repository(registry.host, "a/b", { action: "push" });
    const result = await repository.pushBlob(blob, { signal: NEVER, onProgress: (bytes) => void progress.push(bytes) });
    expect(result).toEqual({ digest: digestOf(SMALL.subarray(0, size)), size });
    expect(stored(registry, SMALL.subarray(0, size))).toBe(true);
    expect(lines(registry)).toEqual(["POST 0", `PUT ${size}`]);
    expect(opened).toEqual([0]);
    expect(progress.at(-1) ?? 0).toBe(size);
    expect(registry.uploads()).toBe(0);
  });

  test("streams what nobody knows the digest of, and computes it on the way", async () => {
    await using registry = await startFaultRegistry();
    const repository = makeClient().repository(registry.host, "a/b", { action: "push" });
    const result = await repository.pushBlob(outgoing(SMALL, false).blob, { signal: NEVER });
    expect(result).toEqual({ digest: digestOf(SMALL), size: SMALL.length });
    expect(stored(registry, SMALL)).toBe(true);
    expect(lines(registry)).toEqual(["POST 0", "PATCH", "PUT 0"]);
  });

  test("sends a large one in chunks, read in one pass", async () => {
    await using registry = await startFaultRegistry();
    const { blob, opened } = outgoing(LARGE, true);
    const repository = makeClient().repository(registry.host, "a/b", { action: "push" });
    await repository.pushBlob(blob, { signal: NEVER });
    expect(stored(registry, LARGE)).toBe(true);
    const [first, second, end] = [33_554_432, 67_108_864, LARGE.length];
    expect(lines(registry)).toEqual([
      "POST 0",
      `PATCH 0-${first - 1} ${first}`,
      `PATCH ${first}-${second - 1} ${first}`,
      `PATCH ${second}-${end - 1} ${end - second}`,
      "PUT 0",
    ]);
    expect(opened).toEqual([0]);
  });

  test("keeps to the smallest chunk that the registry takes", async () => {
    await using registry = await startFaultRegistry();
    registry.fault(/^POST/, (_request, response) => {
      response.setHeader("OCI-Chunk-Min-Length", String(LARGE.length));
      return false;
    });
    await makeClient()
      .repository(registry.host, "a/b", { action: "push" })
      .pushBlob(outgoing(LARGE, true).blob, { signal: NEVER });
    expect(lines(registry)).toEqual(["POST 0", `PATCH 0-${LARGE.length - 1} ${LARGE.length}`, "PUT 0"]);
  });

  test.each([
    ["PUT", true],
    ["PATCH", false],
  ])("goes on after a %s that broke, from where the registry says", async (method, known) => {
    await using registry = await startFaultRegistry();
    const client = makeClient({}, { fetch: breaking(method, 131_072) });
    const { blob, opened } = outgoing(SMALL, known);
    const result = await client.repository(registry.host, "a/b", { action: "push" }).pushBlob(blob, { signal: NEVER });
    expect(result.digest).toBe(digestOf(SMALL));
    expect(stored(registry, SMALL)).toBe(true);
    expect(lines(registry)).toContain("GET");
    expect(opened.length).toBeGreaterThan(1);
    expect(registry.uploads()).toBe(0);
  });

  test("begins anew when the registry has forgotten the upload", async () => {
    await using registry = await startFaultRegistry();
    registry.fault(/^PUT/, faults.status(500), 1);
    registry.fault(/^GET .*uploads/, faults.error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"), 1);
    await makeClient()
      .repository(registry.host, "a/b", { action: "push" })
      .pushBlob(outgoing(SMALL, true).blob, { signal: NEVER });
    expect(stored(registry, SMALL)).toBe(true);
    expect(registry.uploads()).toBe(0);
  });

  test("gives up after the tries it has, and cancels what it began", async () => {
    await using registry = await startFaultRegistry();
    registry.fault(/^PUT/, faults.status(503));
    const client = makeClient({ maxDownloadAttempts: 2 });
    const failure = client
      .repository(registry.host, "a/b", { action: "push" })
      .pushBlob(outgoing(SMALL, true).blob, { signal: NEVER });
    await expect(failure).rejects.toThrow("received unexpected HTTP status: 503");
    expect(registry.uploads()).toBe(0);
    expect(lines(registry).at(-1)).toStartWith("DELETE");
  });

  test("does not try again what the registry refuses", async () => {
    await using registry = await startFaultRegistry();
    const client = makeClient();
    const repository = client.repository(registry.host, "a/b", { action: "push" });
    const { blob } = outgoing(SMALL, true);
    const wrong = { ...blob, digest: digestOf(SMALL.subarray(1)) };
    await expect(repository.pushBlob(wrong, { signal: NEVER })).rejects.toMatchObject({
      kind: "invalid-parameter",
      message: "digest invalid: provided digest did not match uploaded content",
    });
    registry.fault(/^POST/, faults.error(403, "DENIED", "requested access to the resource is denied"));
    await expect(repository.pushBlob(blob, { signal: NEVER })).rejects.toMatchObject({
      kind: "forbidden",
      message: "denied: requested access to the resource is denied",
    });
    expect(client.clock.pausesMs).toEqual([]);
    expect(registry.uploads()).toBe(0);
  });

  test("cancels at the registry what is cancelled here", async () => {
    await using registry = await startFaultRegistry();
    const controller = new AbortController();
    const client = makeClient();
    const repository = client.repository(registry.host, "a/b", { action: "push" });
    const onProgress = () => controller.abort();
    const failure = repository.pushBlob(outgoing(SMALL, true).blob, { signal: controller.signal, onProgress });
    await expect(failure).rejects.toMatchObject({ kind: "canceled" });
    expect(registry.uploads()).toBe(0);
    expect(client.clock.running).toBe(0);
  });

  test("says what is wrong with the blob itself", async () => {
    await using registry = await startFaultRegistry();
    const repository = makeClient().repository(registry.host, "a/b", { action: "push" });
    const { blob } = outgoing(SMALL, true);
    await expect(repository.pushBlob({ ...blob, size: SMALL.length + 1 }, { signal: NEVER })).rejects.toThrow(
      `upload: the blob ended after ${SMALL.length} bytes of ${SMALL.length + 1}`,
    );
    expect(registry.uploads()).toBe(0);
  });

  test.each(["", "ftp://x/", "http://"])("does not go to %p", async (location) => {
    await using registry = await startFaultRegistry();
    registry.fault(/^POST/, faults.status(202, location === "" ? {} : { Location: location }));
    const repository = makeClient().repository(registry.host, "a/b", { action: "push" });
    await expect(repository.pushBlob(outgoing(SMALL, true).blob, { signal: NEVER })).rejects.toThrow(
      "the registry does not say where to",
    );
  });
});

describe("mountBlob()", () => {
  test("tells whether the registry took the blob over", async () => {
    await using registry = await startFaultRegistry();
    const digest = registry.addBlob(SMALL);
    const repository = makeClient().repository(registry.host, "a/b", { action: "push" });
    expect(await repository.mountBlob(digest as never, "c/d", NEVER)).toBe(true);
    expect(registry.requests.at(-1)?.path).toBe(
      `/v2/a/b/blobs/uploads/?mount=${encodeURIComponent(digest)}&from=c%2Fd`,
    );
    expect(await repository.mountBlob(digestOf(LARGE), "c/d", NEVER)).toBe(false);
    expect(registry.uploads()).toBe(0);
  });

  test("takes a refusal for a no, as the upload will tell", async () => {
    await using registry = await startFaultRegistry();
    registry.fault(/mount/, faults.error(403, "DENIED", "not yours"));
    const repository = makeClient().repository(registry.host, "a/b", { action: "push" });
    expect(await repository.mountBlob(digestOf(SMALL), "c/d", NEVER)).toBe(false);
  });

  test("names the source as it is called there", async () => {
    await using registry = await startFaultRegistry();
    const rewrite = [{ from: "team/", to: "org/team/" }];
    const client = makeClient({ rules: new Map([[registry.host, { mirrors: [], rewrite, insecure: false }]]) });
    const digest = registry.addBlob(SMALL);
    await client.repository(registry.host, "team/b", { action: "push" }).mountBlob(digest as never, "team/a", NEVER);
    expect(registry.requests.at(-1)?.path).toContain("/v2/org/team/b/blobs/uploads/?");
    expect(registry.requests.at(-1)?.path).toEndWith("&from=org%2Fteam%2Fa");
  });
});

describe("hasBlob()", () => {
  test("asks by HEAD", async () => {
    await using registry = await startFaultRegistry();
    const digest = registry.addBlob(SMALL);
    const repository = makeClient().repository(registry.host, "a/b", { action: "push" });
    expect(await repository.hasBlob(digest as never, NEVER)).toBe(true);
    expect(await repository.hasBlob(digestOf(LARGE), NEVER)).toBe(false);
  });

  test("says what a refusal without a body means", async () => {
    await using registry = await startFaultRegistry();
    registry.fault(/^HEAD/, faults.status(403));
    const repository = makeClient().repository(registry.host, "a/b", { action: "push" });
    await expect(repository.hasBlob(digestOf(LARGE), NEVER)).rejects.toMatchObject({
      kind: "forbidden",
      message: "denied: requested access to the resource is denied",
    });
  });
});
