/** What tests of images share: an engine of images over a temporary directory, with snapshots that do nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ContentStore, createContentStore } from "#core/content";
import { createEvents, EVENT_MIGRATIONS, type Event } from "#core/events";
import { chainIDOf, type Snapshotter } from "#core/snapshots";
import { type Database, openDatabase } from "#lib/db";
import { createLocalWorkers } from "#lib/workers";
import { FakeRegistries } from "./_fake-registry.ts";
import type { ImageUser } from "./context.ts";
import type { ImageID, LocalImages, Progress } from "./image.ts";
import { createImages } from "./images.ts";
import { IMAGE_MIGRATIONS } from "./migrations.ts";

export interface Harness extends AsyncDisposable {
  readonly images: LocalImages;
  readonly content: ContentStore;
  /** Where that is. */
  readonly folder: string;
  readonly database: Database;
  readonly registries: FakeRegistries;
  /** Containers by the image they are made from. */
  readonly users: Map<ImageID, ImageUser[]>;
  /** Loads and returns the lines of `stream`. */
  load(archive: Uint8Array): Promise<string[]>;
  events(): Promise<Event[]>;
  passHours(hours: number): void;
  /** How often somebody said that there may be garbage. */
  garbage(): number;
}

const PLATFORM = { os: "linux", architecture: "amd64" } as const;

/** What the driver is said to make for each chain. */
export const CHAIN_BYTES = 1000;

/** Time starts in 2026 and goes on by a second with every look at the clock. */
const START_NANO = 1_767_225_600_000_000_000n;

export async function makeHarness(
  prepareChain: Snapshotter["prepareChain"] = async (chain) => chainIDOf(chain),
  registries = new FakeRegistries(),
): Promise<Harness> {
  const folder = await mkdtemp(join(tmpdir(), "tug-images-"));
  const content = await createContentStore(folder);
  const database = openDatabase(":memory:", [...IMAGE_MIGRATIONS, ...EVENT_MIGRATIONS]);
  const users = new Map<ImageID, ImageUser[]>();
  let time = START_NANO;
  let garbage = 0;
  const clock = { nowNano: () => (time += 1_000_000_000n), after: () => () => {} };
  const events = createEvents({ database, clock, report: fail });
  const images = createImages({
    database,
    content,
    clock,
    events,
    registries,
    workers: createLocalWorkers(),
    platform: PLATFORM,
    snapshots: { prepareChain, preparedParts: async (chain) => [{ key: chainIDOf(chain), bytes: CHAIN_BYTES }] },
    containersUsing: (id) => users.get(id) ?? [],
    garbage: () => {
      garbage += 1;
    },
  });
  return {
    images,
    content,
    folder,
    database,
    registries,
    users,
    load: async (archive) => streamLines(await Array.fromAsync(images.load(inPieces(archive), { quiet: true }))),
    events: () => Array.fromAsync(events.subscribe({ sinceNano: 0n, untilNano: time, filters: new Map() })),
    passHours: (hours) => {
      time += BigInt(hours) * 3_600_000_000_000n;
    },
    garbage: () => garbage,
    async [Symbol.asyncDispose]() {
      database[Symbol.dispose]();
      await rm(folder, { recursive: true });
    },
  };
}

export function streamLines(progress: readonly Progress[]): string[] {
  return progress.flatMap(({ stream }) => (stream === undefined ? [] : [stream]));
}

/** Bytes as they come from a connection. */
export async function* inPieces(data: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.byteLength; at += size) yield data.subarray(at, at + size);
}

function fail(error: unknown): never {
  throw error;
}
