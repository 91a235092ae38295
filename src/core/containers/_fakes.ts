/** An engine on a machine that is a script (`_fake-machine.ts`). */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Event } from "#core/events";
import type { CommitOptions, Image, ImageID } from "#core/images";
import type { AttachRequest, Endpoint, NetworkInfo } from "#core/networks";
import type { HostFacts, HostReader } from "#core/runtime";
import type { DiffID } from "#core/snapshots";
import { Background } from "#lib/async";
import { openDatabase } from "#lib/db";
import { EngineError } from "#lib/errors";
import type { Logger } from "#lib/log";
import { FakeClock, FakeExecutor, FakeMonitor } from "./_fake-machine.ts";
import type { CreateRequest } from "./containers.ts";
import type { Defaults, Dependencies } from "./context.ts";
import { createContainers } from "./create-containers.ts";
import { Layout } from "./layout.ts";
import { containerMigrations } from "./store.ts";

const LAYER = `sha256:${"1".repeat(64)}` as DiffID;

export const IMAGE: Image = {
  id: `sha256:${"a".repeat(64)}` as Image["id"],
  document: {
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["sh"], Env: ["PATH=/bin"], Labels: { from: "image" } },
    rootfs: { type: "layers", diff_ids: [LAYER] },
  },
  tags: ["docker.io/library/busybox:latest"],
  digests: [],
  sizeBytes: 1,
} as unknown as Image;

const LIMITS = Object.fromEntries(
  "memory swap memoryReservation swappiness oomKillDisable kernelMemoryTCP cpuShares cpuQuota cpuRealtime cpuset pids blkioWeight blkioWeightDevice blkioThrottle"
    .split(" ")
    .map((name) => [name, true]),
) as unknown as HostFacts["cgroups"]["limits"];

const HOST: HostFacts = {
  architecture: "x86_64",
  kernel: { major: 6, minor: 18 },
  cgroups: { mode: "v2", v1: {}, unified: "/sys/fs/cgroup", controllers: ["memory", "pids", "cpu"], limits: LIMITS },
  apparmor: false,
  apparmorDefault: "",
  seccomp: true,
  cpus: 2,
  cpusetCpus: "0-1",
  cpusetMems: "0",
  capabilities: 0x1ffffffffffn,
  openFiles: 1048576,
  extraMaskedPaths: [],
};

const DIRECTORY = { kind: "directory", major: 0, minor: 0, mode: 0o755, uid: 0, gid: 0 } as const;
const READER: HostReader = {
  readText: () => undefined,
  list: () => [],
  stat: () => DIRECTORY,
  isLink: () => false,
};

const DEFAULTS: Defaults = {
  runtime: "tug",
  runtimes: new Map([
    ["tug", undefined],
    ["runc", { path: "/usr/bin/runc", arguments: [] }],
  ]),
  logDriver: "json-file",
  logOptions: {},
  cgroupParent: "/tug",
  shmSizeBytes: 64 * 1024 * 1024,
  init: false,
  ulimits: [],
  dns: [],
  dnsOptions: [],
  dnsSearch: [],
  noNewPrivileges: false,
  seccompProfile: "",
  hostGatewayAddress: "",
};

const ENDPOINT: Endpoint = {
  networkName: "bridge",
  networkID: "n".repeat(64),
  endpointID: "e".repeat(64),
  macAddress: "02:00:00:00:00:02",
  address: "172.17.0.2",
  prefixLength: 16,
  gateway: "172.17.0.1",
  ports: [],
  hostInterface: "veth0",
};

const BRIDGE: NetworkInfo = {
  id: ENDPOINT.networkID,
  name: "bridge",
  driver: "bridge",
  createdAt: "2026-01-02T03:04:05Z",
  subnet: "172.17.0.0/16",
  gateway: ENDPOINT.gateway,
  options: {},
};

const SILENT = { debug() {}, info() {}, warn() {}, error() {}, level: "error" } as unknown as Logger;

/** A fresh engine in a folder of its own, which goes when it is disposed of. */
export class FakeEngine implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "tug-containers-"));
  readonly clock = new FakeClock();
  readonly executor = new FakeExecutor(this.clock);
  readonly events: Omit<Event, "timeNano">[] = [];
  readonly snapshots = new Set<string>();
  readonly endpoints = new Set<string>();
  readonly images = new Map([["busybox", IMAGE]]);
  readonly failures: unknown[] = [];
  /** What was made into images. */
  readonly commits: (CommitOptions & { readonly base: ImageID | undefined })[] = [];
  /** Set to make commits fail. */
  commitError: Error | undefined;
  /** Of all snapshots. */
  diff = { whole: false };
  /** What `ps` prints. */
  ps = "";
  /** Containers whose endpoint was released without the help of their monitor. */
  readonly orphans: string[] = [];
  /** Set to make the release of endpoints fail. */
  releaseError: Error | undefined;
  /** Set to make the removal of snapshots fail. */
  snapshotError: Error | undefined;
  readonly layout = new Layout({ dataRoot: join(this.folder, "data"), execRoot: join(this.folder, "run") });
  readonly #database = openDatabase(join(this.folder, "tug.db"), containerMigrations);
  #seed = 1;
  background = new Background((_, error) => this.failures.push(error));
  containers: ReturnType<typeof createContainers> = this.open();

  constructor() {
    mkdirSync(this.layout.removed, { recursive: true });
    mkdirSync(this.layout.endedTasks, { recursive: true });
  }

  /** The same state under a new daemon. */
  open(overrides: Partial<Dependencies> = {}): ReturnType<typeof createContainers> {
    this.background = new Background((_, error) => this.failures.push(error));
    this.containers = createContainers(this.#database, { ...this.#dependencies(), ...overrides });
    return this.containers;
  }

  /** Actions of the events so far, oldest first. */
  get actions(): string[] {
    return this.events.map(({ type, action }) => (type === "container" ? action : `${type} ${action}`));
  }

  async create(name: string, more: Partial<CreateRequest> = {}): Promise<string> {
    const { id } = await this.containers.create({
      name,
      platform: "",
      networking: {},
      ...more,
      config: { Image: "busybox", ...more.config },
      hostConfig: { ...more.hostConfig },
    });
    return id;
  }

  async run(name: string, more: Partial<CreateRequest> = {}): Promise<FakeMonitor> {
    await this.create(name, more);
    await this.containers.start(name);
    return this.executor.last;
  }

  status(name: string): string {
    return this.containers.get(name).state.status;
  }

  /** Waits until all work in the background is done; only where no container runs. */
  async settle(): Promise<void> {
    await this.background.join();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise(setImmediate);
  }

  /** Ends the daemon and starts another on the same state. */
  async restart(overrides: Partial<Dependencies> = {}): Promise<void> {
    await this.containers[Symbol.asyncDispose]();
    await this.background.join();
    for (const [socket, { spec }] of this.executor.alive) {
      const monitor = new FakeMonitor(spec, this.clock);
      monitor.run();
      this.executor.monitors.push(monitor);
      this.executor.alive.set(socket, monitor);
    }
    this.open(overrides);
    await this.containers.reconcile();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const monitor of this.executor.monitors) monitor.exit(0);
    await this.background.join();
    this.#database[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #dependencies(): Dependencies {
    return {
      executor: this.executor,
      readExitRecord: async () => undefined,
      snapshotter: this.#snapshotter(),
      images: {
        get: async (reference) => {
          const image = this.images.get(reference);
          if (!image) throw new EngineError("not-found", `No such image: ${reference}:latest`);
          return image;
        },
        find: async (reference) => this.images.get(reference),
        prepare: async () => undefined,
        commit: async (base, options) => {
          if (this.commitError) throw this.commitError;
          this.commits.push({ base, ...options });
          return IMAGE.id;
        },
      },
      networks: {
        attach: (request) => this.#attach(request),
        release: (id, options) => this.#release(id, options),
        loopbackPlan: () => ({ beside: [], inside: [], after: [] }),
        endpointOf: (id) => (this.endpoints.has(id) ? ENDPOINT : undefined),
        list: () => [BRIDGE],
      },
      events: { emit: (event) => this.events.push(event) },
      host: HOST,
      reader: READER,
      clock: this.clock,
      random: { bytes: (count) => this.#bytes(count) },
      background: this.background,
      trash: { discard: ({ path }) => rm(path, { recursive: true, force: true }) },
      logger: SILENT,
      layout: this.layout,
      defaults: DEFAULTS,
      hostname: () => "host",
      processID: 4321,
      removed: () => undefined,
      capture: async () => ({ exitCode: 0, stdout: this.ps, stderr: "" }),
    };
  }

  #snapshotter(): Dependencies["snapshotter"] {
    return {
      name: "fake",
      prepareChain: async () => "" as never,
      retainChains: async () => undefined,
      create: async (key) => void this.snapshots.add(key),
      mounts: async (key) => ({ shared: [], own: [], path: join(this.folder, "roots", key) }),
      look: async (key) => ({ shared: [], own: [], path: join(this.folder, "roots", key) }),
      diff: async (key) => ({
        path: join(this.folder, "roots", key),
        ...this.diff,
        below: { shared: [], own: [], path: "/" },
      }),
      view: async () => ({ shared: [], own: [], path: "/" }),
      browse: () => Promise.reject(new Error("containers look at no files")),
      readFile: async () => undefined,
      usage: async () => 100,
      chainSize: async () => 1000,
      preparedParts: async () => [],
      remove: async (key) => {
        if (this.snapshotError) throw this.snapshotError;
        this.snapshots.delete(key);
      },
      list: async () => [...this.snapshots],
    };
  }

  async #attach({ containerID }: AttachRequest) {
    this.endpoints.add(containerID);
    return { endpoint: ENDPOINT, plan: { beside: [], inside: [], after: [] } };
  }

  async #release(id: string, options: { readonly monitorLost: boolean } | undefined): Promise<void> {
    if (this.releaseError) throw this.releaseError;
    if (options?.monitorLost) this.orphans.push(id);
    this.endpoints.delete(id);
  }

  /** Different each time, and the same in every run. */
  #bytes(count: number): Uint8Array {
    const seed = this.#seed++;
    return Uint8Array.from({ length: count }, (_, index) =>
      index === 0 ? 0xa0 + (seed % 16) : (seed * 31 + index * 7) % 256,
    );
  }
}
