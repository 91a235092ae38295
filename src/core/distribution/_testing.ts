/** What tests of the client share: registries that are set up for tests, and a clock that knows pauses from limits. */
import { createHash } from "node:crypto";
import { rootCertificates } from "node:tls";
import type { RepositoryName, Tag } from "#api/distribution";
import type { Descriptor, Digest } from "#api/oci";
import type { Clock } from "#lib/time";
import type { Credentials, Registries, RemoteRepository } from "./distribution.ts";
import { createRegistries, type RegistriesParts } from "./registries.ts";
import { DEFAULT_REGISTRY_SETTINGS, type RegistrySettings } from "./settings.ts";

/** Limits of what may take how long: these end by a test's word only. */
const LIMITS_MS = [10_000, 15_000, 30_000, 60_000, 300_000];

/** Pauses pass at once and are written down; limits are reached when a test says so. */
export class TestClock implements Clock {
  readonly pausesMs: number[] = [];
  readonly #limits = new Set<() => void>();
  #nowMs = 1_800_000_000_000;

  get nowMs(): number {
    return this.#nowMs;
  }

  nowNano(): bigint {
    return BigInt(this.#nowMs) * 1_000_000n;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }

  after(delayMs: number, callback: () => void): () => void {
    if (LIMITS_MS.includes(delayMs)) {
      this.#limits.add(callback);
      return () => void this.#limits.delete(callback);
    }
    this.pausesMs.push(delayMs);
    const timer = setImmediate(() => {
      this.advance(delayMs);
      callback();
    });
    return () => clearImmediate(timer);
  }

  /** Time runs out for whatever does not move any more. */
  reachLimits(): void {
    // What moved since it was looked at last gets its time once more.
    for (let round = 0; round < 2; round += 1) {
      const due = [...this.#limits];
      this.#limits.clear();
      for (const callback of due) callback();
    }
  }

  /** Limits that somebody still waits for. */
  get running(): number {
    return this.#limits.size;
  }
}

export interface TestClient {
  readonly registries: Registries;
  readonly clock: TestClock;
  /** May be replaced: a reload. */
  settings: RegistrySettings;
  repository(
    host: string,
    path: string,
    options?: { action?: "pull" | "push"; credentials?: Credentials },
  ): RemoteRepository;
}

export function makeClient(settings: Partial<RegistrySettings> = {}, parts: Partial<RegistriesParts> = {}): TestClient {
  const clock = new TestClock();
  const client: TestClient = {
    clock,
    settings: { ...DEFAULT_REGISTRY_SETTINGS, ...settings },
    registries: createRegistries({
      settings: () => client.settings,
      fetch: (url, init) => fetch(url, init),
      clock,
      // Pauses are never as long as one of the limits above.
      random: () => 0.6,
      certificateFolders: [],
      systemAuthorities: () => rootCertificates[0] ?? "",
      resolveHost: async () => [],
      userAgent: "tug/test",
      ...parts,
    }),
    repository: (host, path, { action = "pull", ...options } = {}) =>
      client.registries.repository(`${host}/${path}` as RepositoryName, { action, ...options }),
  };
  return client;
}

export const NEVER = new AbortController().signal;

export function tag(text: string): Tag {
  return text as Tag;
}

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
}

export function descriptorOf(bytes: Uint8Array): Descriptor {
  return { mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.length };
}

/** Bytes that differ from place to place, so that none can stand for others. */
export function pattern(length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let index = 0; index < words.length; index += 1) words[index] = Math.imul(index + 1, 0x9e3779b1);
  return new Uint8Array(words.buffer, 0, length);
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(Buffer.concat(await Array.fromAsync(source)));
}

/** Pseudo-random numbers from 0 up to 1; the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
