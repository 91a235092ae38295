import { describe, expect, test } from "bun:test";
import { DEFAULT_REGISTRY_SETTINGS } from "#core/distribution";
import type { Event, Events } from "#core/events";
import { call, container, requestOf, testApi } from "../_testing.ts";
import type { SystemFacts } from "../backends.ts";

test.each([
  ["GET /_ping", "OK"],
  ["HEAD /_ping", ""],
])("%s tells what clients negotiate by", async (line, text) => {
  expect(await call(testApi().api, line)).toMatchObject({
    status: 200,
    text,
    headers: {
      "Api-Version": "1.51",
      "Builder-Version": "2",
      "Cache-Control": "no-cache, no-store, must-revalidate",
      "Content-Type": "text/plain; charset=utf-8",
      Pragma: "no-cache",
      Swarm: "inactive",
    },
  });
});

test("GET /version names the engine and its parts", async () => {
  const version = JSON.parse((await call(testApi().api, "GET /version")).text);
  expect(version).toMatchObject({
    Version: "0.1.0",
    ApiVersion: "1.51",
    MinAPIVersion: "1.24",
    Os: "linux",
    Arch: "amd64",
    Components: [
      { Name: "Engine", Version: "0.1.0", Details: { ApiVersion: "1.51", Experimental: "false" } },
      { Name: "tug-exec", Version: "0.1.0" },
    ],
  });
  expect(version).not.toHaveProperty("Experimental");
});

const FACTS: SystemFacts = {
  hostname: "vm",
  operatingSystem: "Debian",
  operatingSystemVersion: "13",
  cpus: 2,
  memoryBytes: 4096,
  openFiles: 9,
  debug: true,
  dataRoot: "/data",
  storageStatus: [["Backing Filesystem", "extfs"]],
  cgroup: {
    version: "2",
    driver: "cgroupfs",
    memory: true,
    swap: false,
    cpuCfs: true,
    cpuShares: true,
    cpuset: true,
    pids: true,
    oomKillDisable: false,
  },
  ipv4Forwarding: true,
  loggingDriver: "json-file",
  loggingDrivers: ["json-file", "none"],
  runtimes: { tug: { path: "tug-exec" }, runc: { path: "runc", args: ["--debug"] } },
  defaultRuntime: "tug",
  initBinary: "tug-exec",
  securityOptions: ["name=seccomp,profile=builtin"],
  labels: ["a=b"],
  liveRestore: true,
  eventListeners: 1,
  warnings: [],
};

describe("GET /info", () => {
  test("counts containers by what they do, and tells the host's facts", async () => {
    const run = { pid: 1, startTicks: 1, startedAt: "", finishedAt: "" };
    const { api } = testApi({
      system: { facts: async () => FACTS },
      containers: {
        list: async () => [
          container({ state: { status: "running", ...run } }),
          container({ state: { status: "paused", ...run } }),
          container(),
        ],
      },
    });
    expect(JSON.parse((await call(api, "GET /info")).text)).toMatchObject({
      Containers: 3,
      ContainersRunning: 1,
      ContainersPaused: 1,
      ContainersStopped: 1,
      Images: 0,
      Driver: "erofs",
      DriverStatus: [["Backing Filesystem", "extfs"]],
      MemoryLimit: true,
      SwapLimit: false,
      CgroupVersion: "2",
      SystemTime: "2026-01-02T03:04:05Z",
      Runtimes: { tug: { path: "tug-exec" }, runc: { path: "runc", runtimeArgs: ["--debug"] } },
      Swarm: { LocalNodeState: "inactive", RemoteManagers: null },
      Warnings: null,
      Name: "vm",
    });
  });
});

test("GET /info shows how registries are reached, and no password of a proxy", async () => {
  const { api } = testApi({
    system: { facts: async () => FACTS },
    registries: {
      settings: {
        ...DEFAULT_REGISTRY_SETTINGS,
        insecureRegistries: ["plain.test:5000"],
        proxies: { http: "http://u:p@proxy.test", https: "", no: "localhost" },
      },
    },
  });
  expect(JSON.parse((await call(api, "GET /info")).text)).toMatchObject({
    HttpProxy: "http://xxxxx:xxxxx@proxy.test",
    NoProxy: "localhost",
    RegistryConfig: { IndexConfigs: { "plain.test:5000": { Secure: false } } },
  });
});

describe("GET /events", () => {
  const event: Event = {
    type: "container",
    action: "die",
    actorID: "c1",
    attributes: { image: "busybox", exitCode: "3", note: '"timeNano":0' },
    timeNano: 1767323045123456789n,
  };

  function following(events: Event[]) {
    const asked: Parameters<Events["subscribe"]>[0][] = [];
    const { api } = testApi({
      events: {
        subscribe: async function* (options) {
          asked.push(options);
          yield* events;
        },
      },
    });
    return { api, asked };
  }

  test("writes each event as a line, nanoseconds exact", async () => {
    const image: Event = { ...event, type: "image", action: "tag", actorID: "sha256:1", attributes: { name: "a" } };
    const network: Event = { ...event, type: "network", action: "connect", attributes: {} };
    const { text } = await call(following([event, image, network]).api, "GET /events?until=1");
    const tail = '"scope":"local","time":1767323045,"timeNano":1767323045123456789}\n';
    expect(text).toBe(
      `{"status":"die","id":"c1","from":"busybox","Type":"container","Action":"die","Actor":{"ID":"c1","Attributes":{"image":"busybox","exitCode":"3","note":"\\"timeNano\\":0"}},${tail}` +
        `{"status":"tag","id":"sha256:1","Type":"image","Action":"tag","Actor":{"ID":"sha256:1","Attributes":{"name":"a"}},${tail}` +
        `{"Type":"network","Action":"connect","Actor":{"ID":"c1","Attributes":{}},${tail}`,
    );
  });

  test("asks for the times and filters of the client, and has no end of its own", async () => {
    const { api, asked } = following([]);
    const line =
      'GET /events?since=1.5&until=2026-01-02T03:04:05Z&filters={"type":{"container":true},"nope":{"x":true}}';
    const response = await api(requestOf(line, {}));
    expect(response).toMatchObject({ status: 200, endless: true });
    await Array.fromAsync(response.body as AsyncIterable<string>);
    expect(asked).toMatchObject([
      {
        sinceNano: 1_500_000_000n,
        untilNano: 1767323045000000000n,
        filters: new Map([
          ["type", ["container"]],
          ["nope", ["x"]],
        ]),
      },
    ]);
  });

  test.each([
    ["since=5&until=1", 400, "`since` time (5) cannot be after `until` time (1)"],
    ["since=x", 500, 'strconv.ParseInt: parsing "x": invalid syntax'],
    ["filters=nope", 400, "invalid filter"],
  ])("answers %s with %i", async (query, status, message) => {
    const answer = await call(following([]).api, `GET /events?${query}`);
    expect(answer).toMatchObject({ status, text: `${JSON.stringify({ message })}\n` });
  });
});
