/** What only a real connection shows. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestClock } from "../_test-clock.ts";
import { digestOf, TestRegistry } from "../_testing.ts";
import { openFileStorage, type RegistryStorage } from "../storage.ts";

let root: string;
let storage: RegistryStorage;
let server: Bun.Server<undefined>;
let answered: PromiseWithResolvers<Response>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "tug-registry-socket-"));
  const clock = new TestClock();
  storage = await openFileStorage({ root, clock });
  const { registry } = new TestRegistry(storage, clock);
  answered = Promise.withResolvers();
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const response = await registry.fetch(request, { address: "127.0.0.1" });
      answered.resolve(response);
      return response;
    },
  });
});
afterEach(async () => {
  await server.stop(true);
  await storage[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

const url = (path: string) => `http://127.0.0.1:${server.port}${path}`;

function send(text: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port ?? 0, "127.0.0.1", () => socket.write(text, () => resolve(socket)));
    socket.once("error", reject);
  });
}

/** All that the server says until it closes the connection. */
async function exchange(text: string): Promise<{ head: string; body: string }> {
  const socket = await send(text);
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece);
  const [head = "", body = ""] = Buffer.concat(pieces).toString("latin1").split("\r\n\r\n");
  return { head: head.toLowerCase(), body };
}

async function pushBlob(content: string): Promise<string> {
  const digest = digestOf(content);
  await fetch(url(`/v2/app/blobs/uploads/?digest=${digest}`), { method: "POST", body: content });
  return digest;
}

for (const [what, head, body] of [
  ["of a known length", "Content-Length: 1000", "hello"],
  ["in chunks", "Transfer-Encoding: chunked", "5\r\nhello\r\n"],
])
  test(`an upload ${what} that broke off goes on where it was`, async () => {
    const begun = await fetch(url("/v2/app/blobs/uploads/"), { method: "POST" });
    const location = begun.headers.get("Location") ?? "";
    const socket = await send(`PATCH ${location} HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n${body}`);
    // Its bytes are in the upload when it is asked for them; then the connection breaks.
    const arrived = async () => (await fetch(url(location))).headers.get("Range");
    while ((await arrived()) !== "0-4") await new Promise((resolve) => setImmediate(resolve));
    answered = Promise.withResolvers();
    socket.destroy();
    expect((await answered.promise).status).toBe(400);
    const rest = await fetch(url(location), { method: "PATCH", body: " world", headers: { "Content-Range": "5-10" } });
    expect([rest.status, rest.headers.get("Range")]).toEqual([202, "0-10"]);
    const done = await fetch(url(`${location}?digest=${digestOf("hello world")}`), { method: "PUT" });
    expect(done.status).toBe(201);
  });

test("HEAD tells the length and sends nothing", async () => {
  const digest = await pushBlob("hello");
  const { head, body } = await exchange(
    `HEAD /v2/app/blobs/${digest} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  );
  expect(head).toStartWith("http/1.1 200");
  expect(head).toContain("content-length: 5");
  expect(head).toContain(`docker-content-digest: ${digest}`);
  expect(body).toBe("");
});

for (const [range, status, expected] of [
  ["bytes=1-3", 206, "ell"],
  ["bytes=-2", 206, "lo"],
  ["bytes=0-1,3-4", 200, "hello"],
  ["bytes=9-", 416, undefined],
] as const)
  test(`the server that sends the file changes nothing about ${range}`, async () => {
    const digest = await pushBlob("hello");
    const response = await fetch(url(`/v2/app/blobs/${digest}`), { headers: { Range: range } });
    expect(response.status).toBe(status);
    if (expected !== undefined) expect(await response.text()).toBe(expected);
    else expect(await response.json()).toMatchObject({ errors: [{ code: "RANGE_INVALID" }] });
  });

test("a blob of no bytes is sent", async () => {
  const response = await fetch(url(`/v2/app/blobs/${await pushBlob("")}`));
  expect([response.status, response.headers.get("Content-Length"), await response.text()]).toEqual([200, "0", ""]);
});

test("paths that try to leave lead nowhere", async () => {
  for (const path of [
    "/v2/app/blobs/../../../../etc/passwd",
    "/v2/%2e%2e/%2e%2e/etc/passwd",
    "/v2/app/blobs/sha256:..%2f..%2f..%2fetc%2fpasswd",
  ]) {
    const { head, body } = await exchange(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(head).toMatch(/^http\/1\.1 40[04]/);
    expect(body).toContain('"errors"');
  }
});
