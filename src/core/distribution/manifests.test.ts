import { describe, expect, test } from "bun:test";
import { type FaultRegistry, faults, startFaultRegistry } from "#fixtures";
import { digestOf, makeClient, NEVER, tag } from "./_testing.ts";

const OCI = "application/vnd.oci.image.manifest.v1+json";
const BYTES = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, config: {}, layers: [] }));
const DIGEST = digestOf(BYTES);

async function withManifest(): Promise<FaultRegistry> {
  const registry = await startFaultRegistry();
  registry.addManifest("a/b", "v1", BYTES, OCI);
  return registry;
}

function methods({ requests }: FaultRegistry): string[] {
  return requests.slice(1).map(({ method }) => method);
}

describe("resolve()", () => {
  test("asks by HEAD for all types", async () => {
    await using registry = await withManifest();
    const descriptor = await makeClient().repository(registry.host, "a/b").resolve(tag("v1"), NEVER);
    expect(descriptor).toEqual({ mediaType: OCI, digest: DIGEST, size: BYTES.length });
    expect(methods(registry)).toEqual(["HEAD"]);
    const accepted = String(registry.requests.at(-1)?.headers.accept);
    for (const type of ["image.index.v1", "manifest.list.v2", "image.manifest.v1", "manifest.v2", "v1+prettyjws"]) {
      expect(accepted).toContain(type);
    }
  });

  test.each<[string, number, Record<string, string>]>([
    ["says too little", 200, { "Content-Type": OCI }],
    ["is not allowed", 405, {}],
    ["is broken", 404, {}],
  ])("asks by GET where HEAD %s", async (_name, status, headers) => {
    await using registry = await withManifest();
    registry.fault(/^HEAD/, faults.status(status, headers));
    const descriptor = await makeClient().repository(registry.host, "a/b").resolve(tag("v1"), NEVER);
    expect(descriptor).toEqual({ mediaType: OCI, digest: DIGEST, size: BYTES.length });
    expect(methods(registry)).toEqual(["HEAD", "GET"]);
  });

  test("says what is not there in Docker's words", async () => {
    await using registry = await withManifest();
    const repository = makeClient().repository(registry.host, "a/b");
    const digest = digestOf(new Uint8Array(9));
    await expect(repository.resolve(tag("v2"), NEVER)).rejects.toMatchObject({
      kind: "not-found",
      message: `manifest for ${registry.host}/a/b:v2 not found: manifest unknown: manifest unknown`,
    });
    await expect(repository.resolve(digest, NEVER)).rejects.toThrow(
      `manifest for ${registry.host}/a/b@${digest} not found: manifest unknown: manifest unknown`,
    );
    await expect(makeClient().repository(registry.host, "c").tags(NEVER)).rejects.toThrow(
      `repository ${registry.host}/c not found: name unknown: repository name not known to registry`,
    );
  });

  test("tries again what fails for a moment, not before the registry wants it", async () => {
    await using registry = await withManifest();
    registry.fault(/^HEAD/, faults.status(503), 1);
    registry.fault(/^HEAD/, faults.status(429, { "Retry-After": "7" }), 1);
    const client = makeClient();
    expect((await client.repository(registry.host, "a/b").resolve(tag("v1"), NEVER)).digest).toBe(DIGEST);
    expect(client.clock.pausesMs).toEqual([400, 7000]);
  });

  test("tries again when the connection breaks", async () => {
    await using registry = await withManifest();
    // The runtime itself tries once more when the connection was an old one.
    registry.fault(/^HEAD/, faults.hangUp(), 2);
    const client = makeClient();
    expect((await client.repository(registry.host, "a/b").resolve(tag("v1"), NEVER)).digest).toBe(DIGEST);
    expect(client.clock.pausesMs[0]).toBe(400);
  });

  test("does not wait for a registry that wants to be left alone for hours", async () => {
    await using registry = await withManifest();
    registry.fault(/manifests/, faults.status(429, { "Retry-After": "3600" }));
    const client = makeClient();
    await expect(client.repository(registry.host, "a/b").resolve(tag("v1"), NEVER)).rejects.toThrow("toomanyrequests");
    expect(client.clock.pausesMs).toEqual([]);
  });

  test("gives up after the tries it has", async () => {
    await using registry = await withManifest();
    registry.fault(/manifests/, faults.status(500));
    const client = makeClient({ maxDownloadAttempts: 3 });
    const failure = client.repository(registry.host, "a/b").resolve(tag("v1"), NEVER);
    await expect(failure).rejects.toThrow("received unexpected HTTP status: 500 Internal Server Error");
    expect(methods(registry)).toHaveLength(3);
  });
});

describe("manifest()", () => {
  test("gives the bytes as they are", async () => {
    await using registry = await withManifest();
    const repository = makeClient().repository(registry.host, "a/b");
    for (const reference of [tag("v1"), DIGEST]) {
      const { descriptor, bytes } = await repository.manifest(reference, NEVER);
      expect(Buffer.from(bytes).equals(BYTES)).toBe(true);
      expect(descriptor).toEqual({ mediaType: OCI, digest: DIGEST, size: BYTES.length });
    }
  });

  test("refuses bytes of another digest than was asked for, or than the registry says", async () => {
    await using registry = await withManifest();
    const wanted = digestOf(new Uint8Array(1));
    registry.manifests.set(`a/b@${wanted}`, { bytes: BYTES, mediaType: OCI });
    const repository = makeClient().repository(registry.host, "a/b");
    await expect(repository.manifest(wanted, NEVER)).rejects.toThrow(
      `manifest verification failed for digest ${wanted}`,
    );
    registry.fault(/GET .*v1/, faults.status(200, { "Content-Type": OCI, "Docker-Content-Digest": wanted }, "{}"));
    await expect(repository.manifest(tag("v1"), NEVER)).rejects.toThrow(
      `manifest verification failed for digest ${wanted}`,
    );
  });

  test("refuses what is too large, whether it says so or not", async () => {
    await using registry = await withManifest();
    const repository = makeClient().repository(registry.host, "a/b");
    registry.fault(/GET .*v1/, faults.status(200, { "Content-Type": OCI }, new Uint8Array(4 * 1024 * 1024 + 1)), 1);
    await expect(repository.manifest(tag("v1"), NEVER)).rejects.toThrow("the answer is larger than 4194304 bytes");
    registry.fault(/GET .*v1/, faults.endless());
    await expect(repository.manifest(tag("v1"), NEVER)).rejects.toThrow("the answer is larger than 4194304 bytes");
  });

  test("survives headers without end", async () => {
    await using registry = await withManifest();
    registry.fault(/manifests/, faults.status(200, { "X-Large": "x".repeat(20 * 1024 * 1024) }));
    const failure = makeClient({ maxDownloadAttempts: 1 }).repository(registry.host, "a/b").manifest(tag("v1"), NEVER);
    await expect(failure).rejects.toMatchObject({ name: "EngineError" });
  });

  test("does not run in circles", async () => {
    await using registry = await withManifest();
    registry.fault(/manifests/, faults.status(307, { Location: "/v2/a/b/manifests/v1" }));
    const failure = makeClient().repository(registry.host, "a/b").manifest(tag("v1"), NEVER);
    await expect(failure).rejects.toThrow("stopped after 5 redirects");
    expect(methods(registry)).toHaveLength(6);
  });

  test.each(["file:///etc/passwd", "http://", "gopher://x/"])("does not follow a redirect to %s", async (location) => {
    await using registry = await withManifest();
    registry.fault(/manifests/, faults.status(302, { Location: location }));
    const failure = makeClient().repository(registry.host, "a/b").manifest(tag("v1"), NEVER);
    await expect(failure).rejects.toThrow("redirected to what is no address of HTTP");
  });
});

describe("a mirror", () => {
  const rule = (mirror: FaultRegistry) => ({ mirrors: [`${mirror.url}/`], rewrite: [], insecure: false });

  test("that has it is enough", async () => {
    await using mirror = await withManifest();
    await using registry = await withManifest();
    const rules = new Map([[registry.host, rule(mirror)]]);
    await makeClient({ rules }).repository(registry.host, "a/b").manifest(tag("v1"), NEVER);
    expect(registry.requests).toEqual([]);
  });

  test.each<[string, (mirror: FaultRegistry) => void]>([
    ["has it not", (mirror) => mirror.manifests.clear()],
    ["is broken", (mirror) => mirror.fault(/./, faults.status(500))],
    ["lies", (mirror) => mirror.fault(/manifests/, faults.status(200, { "Content-Type": OCI }, "{}"))],
    ["hangs up", (mirror) => mirror.fault(/./, faults.hangUp())],
  ])("that %s is passed over at once", async (_name, spoil) => {
    await using mirror = await withManifest();
    await using registry = await withManifest();
    spoil(mirror);
    const client = makeClient({ rules: new Map([[registry.host, rule(mirror)]]) });
    const { descriptor } = await client.repository(registry.host, "a/b").manifest(DIGEST, NEVER);
    expect(descriptor.digest).toBe(DIGEST);
    expect(client.clock.pausesMs).toEqual([]);
  });

  test("is not pushed to", async () => {
    await using mirror = await withManifest();
    await using registry = await withManifest();
    const client = makeClient({ rules: new Map([[registry.host, rule(mirror)]]) });
    const repository = client.repository(registry.host, "a/b", { action: "push" });
    await repository.putManifest(tag("v2"), { bytes: BYTES, mediaType: OCI }, NEVER);
    expect(mirror.requests).toEqual([]);
    expect(registry.manifests.has("a/b:v2")).toBe(true);
  });
});

describe("putManifest()", () => {
  test("gives the digest of what was put", async () => {
    await using registry = await startFaultRegistry();
    const repository = makeClient().repository(registry.host, "a/b", { action: "push" });
    expect(await repository.putManifest(tag("v1"), { bytes: BYTES, mediaType: OCI }, NEVER)).toBe(DIGEST);
    expect(registry.manifests.get("a/b:v1")?.mediaType).toBe(OCI);
  });

  test("notices a registry that keeps something else", async () => {
    await using registry = await startFaultRegistry();
    registry.fault(/^PUT/, faults.status(201, { "Docker-Content-Digest": digestOf(new Uint8Array(1)) }));
    const repository = makeClient().repository(registry.host, "a/b", { action: "push" });
    const failure = repository.putManifest(tag("v1"), { bytes: BYTES, mediaType: OCI }, NEVER);
    await expect(failure).rejects.toThrow("manifest verification failed");
  });
});

describe("tags()", () => {
  test("reads all pages", async () => {
    await using registry = await startFaultRegistry({ pageSize: 2 });
    for (const name of ["a", "b", "c", "d+"]) registry.addManifest("r", name, BYTES);
    const repository = makeClient().repository(registry.host, "r");
    expect(await repository.tags(NEVER)).toEqual(["a", "b", "c", "d+"]);
    expect(methods(registry)).toHaveLength(2);
  });

  test("takes null for none, and nothing else that is no list", async () => {
    await using registry = await startFaultRegistry();
    registry.fault(/tags/, faults.status(200, {}, '{"tags":null}'), 1);
    registry.fault(/tags/, faults.status(200, {}, '{"tags":{"a":1}}'), 1);
    registry.fault(/tags/, faults.status(200, {}, '{"tags":[1]}'), 1);
    registry.fault(/tags/, faults.status(200, {}, "nope"), 1);
    const repository = makeClient().repository(registry.host, "r");
    expect(await repository.tags(NEVER)).toEqual([]);
    for (let index = 0; index < 3; index += 1) {
      await expect(repository.tags(NEVER)).rejects.toThrow("error unmarshalling content");
    }
  });

  test("ends a list without end", async () => {
    await using registry = await startFaultRegistry();
    const page = JSON.stringify({ tags: Array.from({ length: 100_001 }, (_, index) => `t${index}`) });
    registry.fault(/tags/, faults.status(200, { Link: '</v2/r/tags/list>; rel="next"' }, page));
    await expect(makeClient().repository(registry.host, "r").tags(NEVER)).rejects.toThrow("more than 1000000 names");
  });
});
