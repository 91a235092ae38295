import type { Container, ContainerID } from "#core/containers";
import { DEFAULT_REGISTRY_SETTINGS } from "#core/distribution";
import type { Image, ImageID } from "#core/images";
import type { NetworkInfo } from "#core/networks";
import type { HttpHandler } from "#lib/http";
import { createLogger } from "#lib/log";
import { createApi } from "./api.ts";
import type { Backends, EngineIdentity } from "./backends.ts";

export const NOW = new Date("2026-01-02T03:04:05Z");

const IDENTITY: EngineIdentity = {
  id: "5e7f3c1e-0000-4000-8000-000000000000",
  engineVersion: "0.1.0",
  gitCommit: "abc",
  buildTime: "2026-01-01T00:00:00Z",
  runtimeVersion: "bun1.4.5",
  architecture: "amd64",
  machine: "x86_64",
  kernelVersion: "6.18.0",
  experimental: false,
  storageDriver: "erofs",
  components: [{ name: "tug-exec", version: "0.1.0", details: { GitCommit: "abc" } }],
};

export const NETWORKS: readonly NetworkInfo[] = [
  network("bridge", { driver: "bridge", subnet: "172.17.0.0/16", gateway: "172.17.0.1" }),
  network("host", { driver: "host" }),
  network("none", { driver: "null" }),
];

type Overrides = { readonly [Part in keyof Backends]?: Partial<Backends[Part]> };

/** The parts a test needs as object literals; what it does not give is not there. */
export function fakeBackends(overrides: Overrides = {}): Backends {
  return {
    containers: {
      list: async () => [],
      health: () => undefined,
      namesByLinks: () => new Map(),
      ...overrides.containers,
    },
    volumes: { list: async () => [], ...overrides.volumes },
    images: { list: async () => [], find: async () => undefined, ...overrides.images },
    explorer: { ...overrides.explorer },
    events: { ...overrides.events },
    networks: {
      list: () => [...NETWORKS],
      get: (name: string) => NETWORKS.find((candidate) => candidate.name === name),
      endpoints: () => new Map(),
      ...overrides.networks,
    },
    registries: { settings: DEFAULT_REGISTRY_SETTINGS, ...overrides.registries },
    system: { identity: IDENTITY, ...overrides.system },
    fetch: overrides.fetch ?? fetch,
    now: () => NOW,
  } as Backends;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Objects are sent as JSON. */
  readonly body?: string | object;
  readonly signal?: AbortSignal;
}

/** Calls the API as a client would: `call(api, "GET /v1.51/version")`. Bodies that are streamed are read to their end. */
export async function call(api: HttpHandler, line: string, options: CallOptions = {}): Promise<Answer> {
  const response = await api(requestOf(line, options));
  let text = "";
  if (typeof response.body === "string" || response.body instanceof Uint8Array) text = response.body.toString();
  else for await (const chunk of response.body ?? []) text += chunk.toString();
  return { status: response.status, headers: response.headers, text };
}

export function requestOf(line: string, { headers = {}, body = "", signal }: CallOptions): Parameters<HttpHandler>[0] {
  const [method = "", target = ""] = line.split(" ");
  const mark = target.indexOf("?");
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const type: [string, string][] = typeof body === "string" ? [] : [["content-type", "application/json"]];
  return {
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? "" : target.slice(mark + 1),
    headers: new Map([...type, ["content-length", String(text.length)], ...Object.entries(headers)]),
    body: (async function* () {
      if (text !== "") yield Buffer.from(text);
    })(),
    signal: signal ?? new AbortController().signal,
  };
}

/** An API over these parts, and what it logs. */
export function testApi(overrides: Overrides = {}): { api: HttpHandler; logged: string[] } {
  const logged: string[] = [];
  const log = createLogger({ level: "debug", format: "text", now: () => NOW, write: (line) => logged.push(line) });
  return { api: createApi(fakeBackends(overrides), log), logged };
}

export function container(fields: Partial<Container> = {}): Container {
  return {
    id: "47c4e9da161839567b20fba633886ea2e0f1e37128e45972500286d846b88c8a" as ContainerID,
    name: "web",
    createdAt: "2026-01-02T03:00:00.123456789Z",
    imageID: "sha256:58191ddb20288907274b9bf76a140e5d3a92c240891c751dd9d91d82c06f0a2d" as ImageID,
    imageName: "busybox:1",
    platform: "linux",
    config: {},
    hostConfig: {},
    networking: {},
    path: "sh",
    args: [],
    mounts: [],
    desired: "run",
    state: { status: "created" },
    restartCount: 0,
    ...fields,
  } as Container;
}

export function image(fields: Partial<Image> = {}): Image {
  return {
    id: "sha256:58191ddb20288907274b9bf76a140e5d3a92c240891c751dd9d91d82c06f0a2d" as ImageID,
    document: { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } },
    tags: ["docker.io/library/busybox:1"],
    digests: [],
    sizeBytes: 0,
    layerBytes: [],
    ...fields,
  };
}

function network(name: string, fields: Partial<NetworkInfo>): NetworkInfo {
  return {
    id: name.padEnd(64, "0"),
    name,
    driver: "bridge",
    createdAt: "2026-01-01T00:00:00Z",
    subnet: "",
    gateway: "",
    options: {},
    ...fields,
  };
}
