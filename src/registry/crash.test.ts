/** A registry that is killed at any moment has everything that it acknowledged, whole, and nothing half. */
import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "#fixtures";
import { systemClock } from "#lib/time";
import { digestOf, imageManifest, TestRegistry } from "./_testing.ts";
import { openFileStorage } from "./storage.ts";

const KILLS = 20;
const LONGEST_LIFE_MS = 150;
const SEED = Number(process.env.TUG_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));

/** Serves a registry, and collects its garbage all the time. */
const PROGRAM = `
  import { openFileStorage } from "${import.meta.dir}/storage.ts";
  import { TestRegistry } from "${import.meta.dir}/_testing.ts";
  import { systemClock } from "${import.meta.dir}/../lib/time/mod.ts";
  const clock = systemClock();
  const { registry } = new TestRegistry(await openFileStorage({ root: process.env.ROOT, clock }), clock, { settings: { graceMs: 20 } });
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (request) => registry.fetch(request, { address: "" }) });
  console.log(server.port);
  for (;;) await registry.collect({ sweep: true });
`;

test(`what was acknowledged survives a kill (TUG_TEST_SEED=${SEED})`, async () => {
  const root = await mkdtemp(join(tmpdir(), "tug-registry-crash-"));
  const random = seededRandom(SEED);
  const acknowledged: string[] = [];
  for (let round = 0; round < KILLS; round++) {
    const program = Bun.spawn([process.execPath, "-e", PROGRAM], {
      env: { ...process.env, ROOT: root },
      stdout: "pipe",
    });
    const port = await firstLine(program.stdout);
    const timer = setTimeout(() => program.kill("SIGKILL"), random() * LONGEST_LIFE_MS);
    await pushUntilKilled(`http://127.0.0.1:${port}`, `${round}`, acknowledged);
    clearTimeout(timer);
    await program.exited;
  }
  await using storage = await openFileStorage({ root, clock: systemClock() });
  const client = new TestRegistry(storage, systemClock());
  await client.registry.collect({ sweep: true });
  expect(acknowledged.length).toBeGreaterThan(0);
  for (const content of acknowledged) {
    const manifest = await client.request("GET", `/v2/app/manifests/${content}`);
    expect(await manifest.text()).toBe(JSON.stringify(imageManifest(content)));
  }
  for (const tag of storage.manifests.tags("app", { limit: 100_000 }))
    for (const blob of [`config ${tag}`, `layer ${tag}`])
      expect(await (await client.request("GET", `/v2/app/blobs/${digestOf(blob)}`)).text()).toBe(blob);
  await rm(root, { recursive: true, force: true });
}, 60_000);

/** One image after the other, three at a time; remembers those whose manifest was acknowledged. */
async function pushUntilKilled(base: string, round: string, acknowledged: string[]): Promise<void> {
  const send = (method: string, path: string, body: string, headers = {}) =>
    fetch(base + path, { method, body, headers });
  const pushing = Array.from({ length: 3 }, async (_, lane) => {
    for (let at = 0; ; at++) {
      const content = `${round}-${lane}-${at}`;
      for (const blob of [`config ${content}`, `layer ${content}`])
        await send("POST", `/v2/app/blobs/uploads/?digest=${digestOf(blob)}`, blob);
      const manifest = imageManifest(content);
      const headers = { "Content-Type": manifest.mediaType };
      const pushed = await send("PUT", `/v2/app/manifests/${content}`, JSON.stringify(manifest), headers);
      // 404: the collector's time of grace is short here.
      if (pushed.status === 201) acknowledged.push(content);
    }
  });
  await Promise.allSettled(pushing);
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  for await (const chunk of stream) return Buffer.from(chunk).toString().trim();
  throw new Error("the registry did not start");
}
