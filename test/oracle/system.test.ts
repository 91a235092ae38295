/** The engine about itself, what it has none of, and what it was not asked rightly. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { same, sameAnswer, sameCommand, shown } from "./_compare.ts";
import { Engines } from "./_engines.ts";
import { exchange, parseAnswer } from "./_http.ts";

let engines: Engines;
beforeAll(async () => {
  engines = await Engines.start();
});
afterAll(() => engines?.[Symbol.asyncDispose]());

test.each(["", "/v1.51", "/v1.24", "/v1.40"])("GET and HEAD %s/_ping", async (version) => {
  await sameAnswer(engines, "GET", `${version}/_ping`);
  await sameAnswer(engines, "HEAD", `${version}/_ping`);
});

test.each(["/_ping", "/v1.44/info", "/v1.51/containers/nope/json"])("the headers of %s", async (path) => {
  const names = ["api-version", "docker-experimental", "ostype", "cache-control", "pragma"];
  const { tug, docker } = await engines.both(async (engine) => {
    const { headers } = await engine.send("GET", path);
    return names.map((name) => headers[name]);
  });
  expect(tug).toEqual(docker);
});

/** What a document is made of: its members and their types, all the way down. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return "list";
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]));
}

/** Members of /info and /version that name what an engine consists of, which is not the same. */
const OWN = [
  "Runtimes",
  "Containerd",
  "Isolation",
  "RuncCommit",
  "Components",
  "KernelMemoryTCP",
  "KernelMemory",
  "RegistryConfig",
  "FirewallBackend",
];

test.each(["/version", "/v1.24/version", "/info", "/v1.44/info"])("%s has the same members", async (path) => {
  same(
    await engines.both(async (engine) => {
      const document = await engine.get("GET", path);
      for (const name of OWN) delete document[name];
      return shapeOf(document);
    }),
  );
});

test("what /info says of the host", async () => {
  same(
    await engines.both(async (engine) => {
      const info = await engine.get("GET", "/v1.51/info");
      const names = [
        "NCPU",
        "MemTotal",
        "KernelVersion",
        "Architecture",
        "OSType",
        "CgroupDriver",
        "CgroupVersion",
        "SecurityOptions",
      ];
      const limits = [
        "MemoryLimit",
        "SwapLimit",
        "CpuCfsPeriod",
        "CpuCfsQuota",
        "CPUShares",
        "CPUSet",
        "PidsLimit",
        "OomKillDisable",
      ];
      const others = [
        "IPv4Forwarding",
        "LoggingDriver",
        "IndexServerAddress",
        "Swarm",
        "Warnings",
        "DefaultAddressPools",
        "Name",
      ];
      return Object.fromEntries([...names, ...limits, ...others].map((name) => [name, info[name]]));
    }),
  );
});

test.each([
  "/v1.23/_ping",
  "/v1.52/_ping",
  "/v1.99/info",
  "/v2.0/info",
  "/vx/info",
  "/v1/info",
  "/v1.51",
  "/v1.51/",
  "/",
  "/nope",
  "/v1.51/nope",
  "/v1.51/containers",
  "/v1.51/containers/",
  "/v1.51/info/",
  "/V1.51/info",
  "/v1.51/containers/json?limit=x",
])("GET %s", (path) => sameAnswer(engines, "GET", path));

test.each([
  ["PUT", "/v1.51/info"],
  ["DELETE", "/v1.51/containers/json"],
  ["PATCH", "/v1.51/containers/json"],
  ["HEAD", "/v1.51/containers/json"],
  ["GET", "/v1.51/volumes/nope"],
  ["GET", '/v1.51/volumes?filters={"nope":["true"]}'],
  ["DELETE", "/v1.51/volumes/nope"],
  ["GET", "/v1.51/plugins"],
  ["GET", '/v1.51/plugins?filters={"nope":["x"]}'],
  ["GET", "/v1.51/plugins/nope/json"],
  ["GET", "/v1.51/swarm"],
  ["GET", "/v1.51/nodes"],
  ["GET", "/v1.51/nodes/x"],
  ["GET", "/v1.51/services"],
  ["GET", "/v1.51/services/x"],
  ["GET", "/v1.51/tasks"],
  ["GET", "/v1.51/tasks/x"],
  ["GET", "/v1.51/secrets"],
  ["GET", "/v1.51/secrets/x"],
  ["GET", "/v1.51/configs"],
  ["POST", "/v1.51/swarm/leave"],
  ["GET", "/v1.51/swarm/unlockkey"],
  ["POST", "/v1.51/services/create", {}],
  ["POST", "/v1.51/secrets/create", {}],
  ["GET", "/v1.51/networks/host"],
  ["GET", "/v1.51/networks/none"],
  ["GET", "/v1.51/networks/nope"],
  ["GET", "/v1.51/networks/bridge?scope=swarm"],
  ["GET", '/v1.51/networks?filters={"type":["custom"],"name":["tug-nope"]}'],
  ["GET", '/v1.51/networks?filters={"name":["tug-nope"]}'],
  ["GET", '/v1.51/networks?filters={"name":["hos"]}'],
  ["DELETE", "/v1.51/networks/bridge"],
  ["DELETE", "/v1.51/networks/nope"],
  ["POST", "/v1.51/networks/bridge/disconnect", { Container: "nope" }],
  ["GET", "/v1.51/system/df?type=nope"],
  ["POST", "/v1.51/session"],
  ["POST", "/v1.51/grpc"],
] as [string, string, object?][])("%s %s", (...[method, path, body]) => sameAnswer(engines, method, path, body));

test("the bridge network has the same members", async () => {
  same(
    await engines.both(async (engine) => {
      const { Containers: _, Options, IPAM: __, ...network } = await engine.get("GET", "/v1.51/networks/bridge");
      return { ...(shapeOf(network) as object), Options: Object.keys(Options as object).sort() };
    }),
  );
});

test.each([
  [
    [
      "network",
      "ls",
      "--format",
      "{{.Name}} {{.Driver}} {{.Scope}}",
      "--filter",
      "type=builtin",
      "--filter",
      "name=host",
    ],
  ],
  [["plugin", "ls"]],
  [["node", "ls"]],
  [["service", "ls"]],
  [["swarm", "leave"]],
  [["stop", "nope"]],
  [["start", "nope"]],
  [["rm", "nope"]],
  [["inspect", "nope"]],
  [["logs", "nope"]],
  [["exec", "nope", "true"]],
  [["rename", "nope", "other"]],
])("docker %p", (args) => sameCommand(engines, args));

test.each([
  ["GET /info\r\n\r\n"],
  ["NOPE\r\n\r\n"],
  ["GET / HTTP/1.1\r\n\r\n"],
  ["GET /_ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"],
  ["GET /_ping HTTP/1.1\r\nHost: d\r\nContent-Length: x\r\n\r\n"],
  ["GET /_ping HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: nope\r\nConnection: close\r\n\r\n"],
  ["GET /_ping HTTP/2.0\r\nHost: d\r\n\r\n"],
  ["GET /_ping HTTP/1.1\r\nHost d\r\n\r\n"],
  [`GET /_ping HTTP/1.1\r\nHost: d\r\nX: ${"a".repeat(1_200_000)}\r\n\r\n`],
])("the status of %p", async (text) => {
  const { tug, docker } = await engines.both(
    async (engine) => parseAnswer(await exchange(engine.socket, Buffer.from(text))).status,
  );
  expect(tug).toBe(docker);
});

test("a body larger than any document is refused", async () => {
  const body = `{"Image":"${"a".repeat(32 << 20)}"}`;
  const { status } = shown(
    engines.tug,
    await engines.tug.send("POST", "/v1.51/containers/create", body, { "Content-Type": "application/json" }),
  ) as { status: number };
  expect(status).toBe(413);
});
