/**
 * kill -9 of the daemon at random moments of pulls, pushes, loads and removals: whatever image it shows afterwards is whole,
 * and in the end nothing is left that no image needs. TUG_TEST_KILLS says how many moments, TUG_TEST_SEED which.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { dockerArchive, hex, type ImageSpec } from "../fixtures/archive.ts";
import { busyboxImage } from "../fixtures/busybox.ts";
import { seededRandom } from "../fixtures/random.ts";
import { REGISTRY_PROGRAM, startRegistry, type TestRegistry } from "../fixtures/registry.ts";
import { tar } from "../fixtures/tar.ts";
import { TestDaemon } from "./_daemon.ts";

const KILLS = Number(process.env.TUG_TEST_KILLS ?? 16);
const SEED = Number(process.env.TUG_TEST_SEED ?? Date.now() % 1_000_000);
/** An operation on these images takes about so long: a kill falls anywhere into it, or shortly after. */
const LONGEST_MOMENT_MS = 250;
const LAYER_BYTES = 2 << 20;

const GZIP = { suffix: "+gzip", compress: (layer: Uint8Array) => gzipSync(layer, { level: 1 }) };

let daemon: TestDaemon;
let registry: TestRegistry;
let archive: Uint8Array;
const names: string[] = [];

const random = seededRandom(SEED);

if (REGISTRY_PROGRAM) {
  beforeAll(async () => {
    registry = await startRegistry();
    daemon = await TestDaemon.start({ busybox: false });
    const specs = await images(registry.host);
    archive = tar(dockerArchive(specs, GZIP));
    for (const { tags } of specs) names.push(...(tags ?? []));
    await daemon.ok("tug", ["load", "-q"], { stdin: archive });
    for (const name of names) await daemon.ok("tug", ["push", "-q", name]);
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
  });

  test(`images are whole after ${KILLS} crashes (seed ${SEED})`, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const what = pick(OPERATIONS);
      const name = pick(names);
      const running = what.run(name).catch(() => undefined);
      await Bun.sleep(random() * LONGEST_MOMENT_MS);
      await daemon.crash();
      await running;
      await daemon.up();
      await expectWhole(`kill ${kill}: ${what.name} ${name}, seed ${SEED}`);
    }
    // What the crashes have left is collected, and what is asked for works.
    for (const name of names) await daemon.ok("tug", ["pull", "-q", name]);
    await expectWhole("at the end");
    await daemon.ok("tug", ["image", "prune", "-af"]);
    await until(() => blobs().length === 0);
    expect(readdirSync(join(daemon.dataRoot, "content/tmp"))).toEqual([]);
  });
}

const OPERATIONS = [
  { name: "pull", run: (name: string) => daemon.api("POST", `/images/create?fromImage=${encodeURIComponent(name)}`) },
  { name: "push", run: (name: string) => push(name) },
  { name: "load", run: () => load() },
  { name: "remove", run: (name: string) => daemon.api("DELETE", `/images/${name}?force=1`) },
];

async function push(name: string): Promise<void> {
  await fetch(`http://tug/images/${name}/push`, {
    unix: daemon.socket,
    method: "POST",
    headers: { "X-Registry-Auth": "e30=" },
  }).then((response) => response.text());
}

async function load(): Promise<void> {
  await fetch("http://tug/images/load", {
    unix: daemon.socket,
    method: "POST",
    body: new Blob([archive as Uint8Array<ArrayBuffer>]),
  }).then((response) => response.text());
}

interface Shown {
  readonly Id: string;
  readonly RepoTags: readonly string[];
}

async function shown(): Promise<Shown[]> {
  return (await daemon.api<Shown[]>("GET", "/images/json")).body;
}

/** Every blob has the digest of its name; every image that is shown can be inspected, run and saved. */
async function expectWhole(where: string): Promise<void> {
  for (const name of blobs()) {
    const bytes = await Bun.file(join(daemon.dataRoot, "content/sha256", name))
      .bytes()
      .catch(() => undefined);
    // What a crash left is collected while we look.
    if (!bytes) continue;
    expect(`${where}: ${createHash("sha256").update(bytes).digest("hex")}`).toBe(`${where}: ${name}`);
  }
  for (const image of await shown()) {
    const tag = image.RepoTags[0];
    if (!tag || !names.includes(tag)) continue;
    const said = await daemon.cli("tug", ["run", "--rm", "--network=none", image.Id, "cat", "/etc/image"]);
    expect({ where, ...said }).toEqual({ where, code: 0, stdout: `${tag}\n`, stderr: "" });
    const saved = await fetch(`http://tug/images/${image.Id}/get`, { unix: daemon.socket });
    expect(saved.status).toBe(200);
    expect((await saved.bytes()).length).toBeGreaterThan(LAYER_BYTES);
  }
}

function blobs(): string[] {
  return readdirSync(join(daemon.dataRoot, "content/sha256"));
}

/** Three images over busybox that share layers two by two. */
async function images(host: string): Promise<ImageSpec[]> {
  const base = await busyboxImage({});
  const shared = [0, 1, 2].map((number) => tar([{ name: `shared/${number}`, data: noise(number) }]));
  return [0, 1, 2].map((number) => {
    const tag = `${host}/faults/image${number}:latest`;
    const own = tar([{ name: "etc/image", data: `${tag}\n` }]);
    return {
      ...base,
      tags: [tag],
      layers: [...base.layers, shared[number]!, shared[(number + 1) % 3]!, own],
      created: `2024-01-0${number + 1}T00:00:00Z`,
    };
  });
}

/** Bytes that do not compress, the same each time. */
function noise(number: number): Uint8Array {
  const block = hex(`sha256:${createHash("sha256").update(String(number)).digest("hex")}`);
  const next = seededRandom(Number.parseInt(block.slice(0, 8), 16));
  return Uint8Array.from({ length: LAYER_BYTES }, () => next() * 256);
}

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}

async function until(probe: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (probe()) return;
    await Bun.sleep(25);
  }
  throw new Error(`it never came true: ${blobs().length} blobs are left\n${daemon.log.slice(-3000)}`);
}
