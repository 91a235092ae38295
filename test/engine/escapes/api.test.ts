/**
 * Requests made to confuse the API: shapes, sizes, bytes and timing that no client sends.
 *
 *     CVE-2017-14992, CVE-2020-27534   bodies that take all memory
 *     request smuggling, slow loris, half requests, prototype pollution, numbers out of range
 *
 * What stops them: every field is checked for its type before anything acts; limits on heads, bodies, nesting and time; an answer
 * of 5xx would be a bug of ours, so none may come.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { TestDaemon } from "../_daemon.ts";

type Json = Record<string, unknown>;

let daemon: TestDaemon;
let usual: { Config: Json; HostConfig: Json };
beforeAll(async () => {
  daemon = await TestDaemon.start();
  await daemon.ok("docker", ["create", "--name=usual", "busybox"]);
  usual = (await daemon.api<typeof usual>("GET", "/containers/usual/json")).body;
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const deep = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);

/** What no field expects, or only few do. */
const VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 53,
  1e308,
  -(2 ** 63),
  "",
  "x",
  "\u0000",
  "a\nb\r\nc",
  "../../..",
  "\ud800",
  "y".repeat(100_000),
  [],
  [null],
  ["x", 1, null, {}],
  [["x"]],
  Array.from({ length: 5000 }, (_, index) => `V${index}=x`),
  {},
  { x: null },
  { x: [{ HostPort: "99999999" }] },
  { "80/tcp": [{ HostIp: "999.1.1.1", HostPort: "-1" }] },
  { "\u0000": "\n", "": {} },
  JSON.parse('{"__proto__": {"Image": "busybox"}, "constructor": 1, "toString": "x"}'),
  [{ Type: "bind", Source: "/", Target: "../..", Name: "x", Soft: -1, Hard: "x", PathOnHost: "/dev/sda" }],
  deep(200),
];

async function create(body: unknown, query = ""): Promise<void> {
  const {
    status,
    text,
    body: answer,
  } = await daemon.api<{ Id?: string; message?: string }>("POST", `/containers/create${query}`, body);
  const shown = `${JSON.stringify(body).slice(0, 200)} → ${status} ${text.slice(0, 300)}`;
  if (status === 201) await daemon.api("DELETE", `/containers/${answer.Id}?force=1`);
  else if (status < 400 || (status >= 500 && status !== 501) || !answer?.message) throw new Error(shown);
  if (/TypeError|RangeError|undefined is not|is not a function|\[object|Cannot read/.test(text)) throw new Error(shown);
}

describe("POST /containers/create", () => {
  test("every field of Config takes any value with 201 or 4xx", async () => {
    for (const field of Object.keys(usual.Config))
      for (const value of VALUES) await create({ Image: "busybox", [field]: value });
  });

  test("every field of HostConfig does", async () => {
    for (const field of [...Object.keys(usual.HostConfig), "Mounts", "Tmpfs", "Sysctls", "StorageOpt", "Annotations"])
      for (const value of VALUES) await create({ Image: "busybox", HostConfig: { [field]: value } });
  });

  test("and so do the parts around them", async () => {
    for (const value of VALUES) {
      await create(value);
      await create({ Image: "busybox", HostConfig: value });
      await create({ Image: "busybox", NetworkingConfig: value });
      await create({ Image: "busybox", NetworkingConfig: { EndpointsConfig: value } });
      await create({ Image: "busybox", NetworkingConfig: { EndpointsConfig: { bridge: value } } });
      await create({ Image: "busybox", NetworkingConfig: { EndpointsConfig: { bridge: { IPAMConfig: value } } } });
      await create({ Image: "busybox" }, `?name=${encodeURIComponent(JSON.stringify(value).slice(0, 1000))}`);
      await create({ Image: "busybox" }, `?platform=${encodeURIComponent(JSON.stringify(value).slice(0, 1000))}`);
    }
  });

  test("bytes that end strings in C reach no plan", async () => {
    const strings: Json[] = [
      { Cmd: ["true\u0000rm"] },
      { Env: ["A\u0000=b"] },
      { WorkingDir: "/\u0000/etc" },
      { User: "root\u0000x" },
      { Hostname: "a\u0000b" },
      { HostConfig: { Binds: ["/tmp\u0000:/x"] } },
      { HostConfig: { Tmpfs: { "/x\u0000": "" } } },
      { HostConfig: { Sysctls: { "kernel.msgmax\u0000": "1" } } },
    ];
    for (const fields of strings) {
      const { status, body } = await daemon.api<{ Id: string }>("POST", "/containers/create", {
        Image: "busybox",
        ...fields,
      });
      if (status === 201) {
        const started = await daemon.api("POST", `/containers/${body.Id}/start`);
        expect([fields, started.status, started.text]).toEqual([fields, 400, expect.any(String)]);
        await daemon.api("DELETE", `/containers/${body.Id}?force=1`);
      } else expect([fields, status]).toEqual([fields, 400]);
    }
  });

  test("combinations of odd values, drawn by a seed", async () => {
    const seed = 20261121;
    let state = seed;
    const draw = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    const some = (fields: string[]) =>
      Object.fromEntries(Array.from({ length: 4 }, () => [fields[draw(fields.length)], VALUES[draw(VALUES.length)]]));
    for (let round = 0; round < 400; round++) {
      const body = {
        ...some(Object.keys(usual.Config)),
        HostConfig: some(Object.keys(usual.HostConfig)),
        Image: "busybox",
      };
      await create(body).catch((error) => Promise.reject(new Error(`seed ${seed}, round ${round}: ${error}`)));
    }
  });
});

const QUERIES = [
  "%00",
  "-1",
  "99999999999999999999",
  "{",
  "[]",
  "null",
  '{"status":"x"}',
  '{"label":{"a":1}}',
  "%ff%fe",
  "a".repeat(3000),
];
const ROUTES = [
  ["GET", "/containers/json?limit=#"],
  ["GET", "/containers/json?filters=#"],
  ["GET", "/containers/json?before=#"],
  ["GET", "/containers/#/json"],
  ["GET", "/containers/usual/logs?stdout=1&tail=#"],
  ["GET", "/containers/usual/logs?stdout=1&since=#"],
  ["GET", "/containers/usual/top?ps_args=#"],
  ["POST", "/containers/usual/resize?h=#&w=#"],
  ["POST", "/containers/usual/kill?signal=#"],
  ["POST", "/containers/usual/stop?t=#"],
  ["POST", "/containers/usual/rename?name=#"],
  ["POST", "/containers/prune?filters=#"],
  ["POST", "/exec/#/start"],
  ["GET", "/images/json?filters=#"],
  ["GET", "/images/#/json"],
  ["GET", "/images/#/get"],
  ["GET", "/images/get?names=#"],
  ["POST", "/images/busybox/tag?repo=#&tag=#"],
  ["POST", "/images/prune?filters=#"],
  ["GET", "/events?until=1&since=#"],
  ["GET", "/events?until=1&filters=#"],
  ["GET", "/v#/info"],
  ["GET", "/networks/#"],
  ["GET", "/volumes/#"],
  ["GET", "/#"],
] as const;

/** Where dockerd answers 500 though the client is to blame, so do we. */
const DOCKERS_OWN = /"strconv\.|invalid value for|not implemented/;

test.each(ROUTES)("%s %s answers whatever stands for #", async (method, route) => {
  for (const value of QUERIES) {
    const path = route.replaceAll("#", /%/.test(value) ? value : encodeURIComponent(value));
    const { status, text } = await daemon.api(method, path);
    if (status >= 500 && !DOCKERS_OWN.test(text))
      throw new Error(`${path.slice(0, 200)} → ${status} ${text.slice(0, 300)}`);
  }
});

test.each([
  ["no JSON", "{"],
  ["two documents", '{"Image":"busybox"} {"Image":"busybox"}'],
  ["nothing", ""],
  ["nesting without end", `{"Image":"busybox","Labels":${"[".repeat(2_000_000)}`],
  ["ten million commas", `[${",".repeat(10_000_000)}`],
  ["a number without end", `{"Image":"busybox","HostConfig":{"Memory":${"9".repeat(100_000)}}}`],
  ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
  ["a body of 64 MB", `{"Image":"${"x".repeat(64 << 20)}"}`],
])("a body of %s is refused", async (_, body) => {
  const response = await fetch("http://tug/containers/create", {
    unix: daemon.socket,
    method: "POST",
    body,
    headers: { "Content-Type": "application/json" },
  });
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(response.status).toBeLessThan(500);
  expect((await response.text()).length).toBeLessThan(10_000);
});

/** Sends bytes as they are, and gives what came back until the end or for so long. */
function exchange(bytes: string, { half = false, waitMs = 400 } = {}): Promise<string> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect(daemon.socket, () => (half ? socket.end(bytes) : socket.write(bytes)));
    const done = () => {
      socket.destroy();
      resolve(received);
    };
    const timer = setTimeout(done, waitMs);
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
    socket.on("error", done);
    socket.on("close", () => {
      clearTimeout(timer);
      done();
    });
  });
}

const SMUGGLED = "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n";
describe("on the wire", () => {
  test.each([
    [
      "two lengths",
      `POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    ],
    [
      "a length and chunks",
      `POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    [
      "an unknown coding",
      `POST /containers/create HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n${SMUGGLED}`,
    ],
    ["a negative length", `POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n${SMUGGLED}`],
    ["a length in hex", `POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 0x0\r\n\r\n${SMUGGLED}`],
    [
      "a chunk of negative size",
      `POST /containers/create HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n${SMUGGLED}`,
    ],
    [
      "a chunk size without end",
      `POST /containers/create HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${"0".repeat(100_000)}\r\n\r\n${SMUGGLED}`,
    ],
    ["a folded header", `GET /version HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n${SMUGGLED}`],
    ["a space before the colon", `GET /version HTTP/1.1\r\nHost: x\r\nContent-Length : 40\r\n\r\n${SMUGGLED}`],
  ])("%s smuggle no second request", async (_, bytes) => {
    const received = await exchange(bytes);
    expect(received.match(/HTTP\/1\.1 /g) ?? []).toHaveLength(1);
    expect(received).toMatch(/^HTTP\/1\.1 (400|501)/);
  });

  test.each([
    [
      "200,000 headers",
      `GET /_ping HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 200_000 }, (_, i) => `X-${i}: y\r\n`).join("")}\r\n`,
    ],
    ["a header of 10 MB", `GET /_ping HTTP/1.1\r\nHost: x\r\nX-A: ${"y".repeat(10 << 20)}\r\n\r\n`],
    ["a path of 1 MB", `GET /${"a".repeat(1 << 20)} HTTP/1.1\r\nHost: x\r\n\r\n`],
    ["no HTTP", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\r\n\r\n"],
    ["HTTP of another age", "GET /_ping HTTP/9.9\r\n\r\n"],
    ["a method without end", `${"G".repeat(100_000)} / HTTP/1.1\r\nHost: x\r\n\r\n`],
  ])("%s: refused or cut off", async (_, bytes) => {
    expect(await exchange(bytes, { waitMs: 3000 })).toMatch(/^(HTTP\/1\.1 (4\d\d|505)|$)/);
    expect((await daemon.api("GET", "/_ping")).status).toBe(200);
  });

  test("half requests and connections that say nothing hold up nobody", async () => {
    const parts = [
      "G",
      "GET /_ping HTTP/1.1\r\n",
      "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
    ];
    const idle = Array.from({ length: 300 }, (_, index) => {
      const socket = connect(daemon.socket);
      socket.on("error", () => undefined);
      socket.write(parts[index % parts.length] ?? "");
      return socket;
    });
    for (const part of parts) await exchange(part, { half: true });
    for (let tries = 0; tries < 10; tries++) {
      const started = performance.now();
      expect((await daemon.api("GET", "/containers/json?all=1")).status).toBe(200);
      expect(performance.now() - started).toBeLessThan(2000);
    }
    for (const socket of idle) socket.destroy();
  });
});

test("after all that nothing is left, and the daemon is as it was", async () => {
  await daemon.ok("docker", ["container", "prune", "-f"]);
  expect(await daemon.ok("docker", ["ps", "-aq"])).toBe("");
  expect(readdirSync(`${daemon.dataRoot}/containers`)).toEqual([]);
  expect(await daemon.ok("docker", ["run", "--rm", "busybox", "echo", "alive"])).toBe("alive");
  expect(daemon.log).not.toMatch(/TypeError|RangeError|unhandled|assert/i);
  const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8"))?.[1]);
  expect(resident).toBeLessThan(600 << 10);
});
