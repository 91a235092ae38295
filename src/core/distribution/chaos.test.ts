/** Transfers over connections that break anywhere, by chance: what arrives is right. A failure names its seed. */
import { expect, test } from "bun:test";
import { type FaultRegistry, faults, startFaultRegistry } from "#fixtures";
import { collect, descriptorOf, digestOf, makeClient, NEVER, pattern, seeded } from "./_testing.ts";
import type { Fetch } from "./transport.ts";

const SEED = Number(process.env.TUG_TEST_SEED ?? 20_260_102);
const ROUNDS = 40;
const LARGEST = 400_000;
/** So many that bad luck alone does not end a transfer. */
const ATTEMPTS = 40;

/** Half of the answers are whole; the others break, are refused for the moment, or leave the range out. */
function spoilDownloads(registry: FaultRegistry, bytes: Uint8Array, random: () => number): void {
  registry.fault(/GET .*blobs/, (request, response) => {
    const kind = random();
    if (kind < 0.5) return false;
    if (kind < 0.6) return faults.status(503)(request, response);
    if (kind < 0.7) return faults.hangUp()(request, response);
    if (kind < 0.8) return faults.status(200, {}, bytes)(request, response);
    return faults.cut(bytes.subarray(0, 1 + Math.floor(random() * (bytes.length - 1))), bytes.length)(
      request,
      response,
    );
  });
}

/** Bodies break off somewhere in a third of all requests that have one. */
function spoilUploads(random: () => number): Fetch {
  return (url, init) => {
    if (init.body === undefined || random() > 0.33) return fetch(url, init);
    const left = Math.floor(random() * LARGEST);
    async function* broken() {
      let sent = 0;
      for await (const chunk of init.body as unknown as AsyncIterable<Uint8Array>) {
        if (sent >= left) throw Object.assign(new TypeError("broken"), { code: "ECONNRESET" });
        sent += chunk.length;
        yield chunk;
      }
    }
    return fetch(url, { ...init, body: broken() as never });
  };
}

test(`downloads (seed ${SEED})`, async () => {
  const random = seeded(SEED);
  for (let round = 0; round < ROUNDS; round += 1) {
    await using registry = await startFaultRegistry({ ranges: random() < 0.7 });
    const bytes = pattern(1 + Math.floor(random() * LARGEST));
    const offset = Math.floor(random() * bytes.length);
    registry.addBlob(bytes);
    spoilDownloads(registry, bytes, random);
    const client = makeClient({ maxDownloadAttempts: ATTEMPTS });
    const blob = client.repository(registry.host, "a").blob(descriptorOf(bytes), { signal: NEVER, offset });
    const isRight = Buffer.from(await collect(blob)).equals(bytes.subarray(offset));
    expect({ round, isRight }).toEqual({ round, isRight: true });
    expect(client.clock.running).toBe(0);
  }
});

test(`uploads (seed ${SEED})`, async () => {
  const random = seeded(SEED);
  for (let round = 0; round < ROUNDS; round += 1) {
    await using registry = await startFaultRegistry();
    const bytes = pattern(Math.floor(random() * LARGEST));
    async function* open(offset: number) {
      for (let start = offset; start < bytes.length; start += 10_000) yield bytes.subarray(start, start + 10_000);
    }
    const known = random() < 0.5 ? { digest: digestOf(bytes), size: bytes.length } : {};
    const client = makeClient({ maxDownloadAttempts: ATTEMPTS }, { fetch: spoilUploads(random) });
    const repository = client.repository(registry.host, "a", { action: "push" });
    const result = await repository.pushBlob({ open, ...known }, { signal: NEVER });
    expect({ round, ...result }).toEqual({ round, digest: digestOf(bytes), size: bytes.length });
    expect(Buffer.from(registry.blobs.get(result.digest) ?? []).equals(bytes)).toBe(true);
    expect(registry.uploads()).toBe(0);
    expect(client.clock.running).toBe(0);
  }
});
