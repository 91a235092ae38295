import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "#lib/log";
import type { Clock } from "#lib/time";
import type { TlsFiles } from "#registry";
import { readCertificate } from "./certificate.ts";
import { readRegistryConfig } from "./config.ts";
import { Renewal } from "./renewal.ts";
import { Upkeep } from "./upkeep.ts";

const DAY_MS = 24 * 3600_000;

/** Time that a test moves, with one timer: nothing here sets more. */
function manualClock(startMs = Date.now()) {
  let nowMs = startMs;
  let timer: { readonly atMs: number; readonly callback: () => void } | undefined;
  const clock: Clock = {
    nowNano: () => BigInt(nowMs) * 1_000_000n,
    after: (delayMs, callback) => {
      timer = { atMs: nowMs + delayMs, callback };
      return () => {
        timer = undefined;
      };
    },
  };
  const advance = (ms: number) => {
    nowMs += ms;
    const due = timer !== undefined && timer.atMs <= nowMs ? timer : undefined;
    if (due !== undefined) timer = undefined;
    due?.callback();
  };
  return { clock, advance, hasTimer: () => timer !== undefined };
}

let logged: string[];
const log = createLogger({
  level: "debug",
  format: "text",
  now: () => new Date(0),
  write: (line) => void logged.push(line),
});
beforeEach(() => {
  logged = [];
});

describe("Upkeep", () => {
  function make() {
    const done: string[] = [];
    const time = manualClock();
    const state = { fails: false, gate: Promise.resolve() };
    const upkeep = new Upkeep({
      registry: {
        retain: async () => {
          done.push("retain");
          return { tags: [] };
        },
        collect: async ({ sweep } = {}) => {
          await state.gate;
          if (state.fails) throw new Error("disk is full");
          done.push(sweep ? "sweep" : "collect");
          return { blobs: 2, bytes: 10, manifests: 1, uploads: 0 };
        },
      },
      cache: {
        limitBytes: 100,
        proxy: {
          evict: async (limit: number) => {
            done.push(`evict ${limit}`);
            return 3;
          },
        },
      },
      everyMs: 1_000,
      clock: time.clock,
      log,
    });
    return { upkeep, done, state, ...time };
  }

  test("evicts, retains and collects, in this order, from the start on and again and again", async () => {
    const { upkeep, done, advance } = make();
    upkeep.start();
    await upkeep.run();
    expect(done.splice(0)).toEqual(["evict 100", "retain", "sweep"]);
    advance(1_000);
    await upkeep.run();
    expect(done).toEqual(["evict 100", "retain", "collect"]);
    expect(upkeep.counts).toMatchObject({
      runs: 2,
      failures: 0,
      removedBlobs: 4,
      removedBytes: 20,
      evictedManifests: 6,
    });
  });

  test("makes one pass at a time, and goes on after one that failed", async () => {
    const { upkeep, state, advance, hasTimer } = make();
    const gate = Promise.withResolvers<void>();
    state.gate = gate.promise;
    const first = upkeep.run();
    expect(upkeep.run()).toBe(first);
    state.fails = true;
    gate.resolve();
    await first;
    expect(upkeep.counts).toMatchObject({ runs: 1, failures: 1 });
    expect(logged.join()).toContain("disk is full");
    expect(hasTimer()).toBe(true);
    state.fails = false;
    advance(1_000);
    await upkeep.run();
    expect(upkeep.counts).toMatchObject({ runs: 2, failures: 1, removedBlobs: 2 });
  });

  test("ends with the pass that runs", async () => {
    const { upkeep, done, hasTimer } = make();
    upkeep.start();
    await upkeep[Symbol.asyncDispose]();
    expect(done).toContain("sweep");
    expect(hasTimer()).toBe(false);
  });
});

describe("Renewal", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "tug-renewal-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const configOf = (tls: unknown) => readRegistryConfig({ root, tls });
  const settle = () => Bun.sleep(0);

  async function make(tls: unknown) {
    const time = manualClock();
    const config = configOf(tls);
    const served = await readCertificate(config, () => new Date(Number(time.clock.nowNano() / 1_000_000n)));
    const shown: TlsFiles[] = [];
    const renewal = new Renewal({
      listener: { replaceTls: (files) => void shown.push(files) },
      served,
      clock: time.clock,
      everyMs: DAY_MS,
      log,
    });
    renewal.start(config);
    return { renewal, shown, served, ...time };
  }

  test("serves a new certificate of our own before the old one ends, signed by the same authority", async () => {
    const { shown, served, advance } = await make("auto");
    advance(DAY_MS);
    for (let i = 0; i < 50; i++) await settle();
    expect(shown).toEqual([]);
    advance(370 * DAY_MS);
    while (shown.length === 0) await settle();
    expect(shown[0]?.certificate).not.toBe(served?.files.certificate);
  });

  test("takes another configuration's names at once, and leaves equal files alone", async () => {
    const { renewal, shown } = await make({ names: ["first.example"] });
    await renewal.take(configOf({ names: ["first.example"] }));
    expect(shown).toEqual([]);
    await renewal.take(configOf({ names: ["second.example"] }));
    expect(shown).toHaveLength(1);
  });

  test("keeps what it has when files are wrong, and says so", async () => {
    const { renewal, shown, advance } = await make("auto");
    await expect(renewal.take(configOf({ certificate: "/none", key: "/none" }))).rejects.toThrow(
      'read TLS file "/none"',
    );
    writeFileSync(join(root, "tls/ca.pem"), "damaged");
    advance(DAY_MS);
    while (logged.length === 0) await settle();
    expect(logged.join()).toContain("registry could not renew its certificate");
    expect(shown).toEqual([]);
  });

  test("has nothing to do without TLS, and nothing more at the end", async () => {
    expect((await make("off")).hasTimer()).toBe(false);
    const { renewal, hasTimer } = await make("auto");
    renewal[Symbol.dispose]();
    expect(hasTimer()).toBe(false);
  });
});
