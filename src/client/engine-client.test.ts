import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isKind } from "#lib/errors";
import { parseEndpoint } from "./endpoint.ts";
import { collect, EngineClient, encodeQuery } from "./engine-client.ts";

const directory = mkdtempSync(join(tmpdir(), "tug-client-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const PING = "HTTP/1.1 200 OK\r\nApi-Version: 1.48\r\nOstype: linux\r\nContent-Length: 0\r\n\r\n";

interface ScriptedServer extends AsyncDisposable {
  readonly client: EngineClient;
  readonly received: string[];
  connections(): number;
}

/** A server that shows what it got, and answers each request as told. Pings are answered by themselves. */
async function serve(
  name: string,
  answer: (request: string, socket: Socket) => void,
  options: { apiVersion?: string } = {},
): Promise<ScriptedServer> {
  const received: string[] = [];
  let connections = 0;
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    connections++;
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      const text = bytes.toString();
      if (text.startsWith("HEAD /_ping")) return void socket.write(PING);
      received.push(text);
      answer(text, socket);
    });
  });
  const path = join(directory, `${name}.sock`);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    client: new EngineClient({ endpoint: parseEndpoint(`unix://${path}`), ...options }),
    received,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

function json(body: unknown, status = "200 OK"): string {
  const text = JSON.stringify(body);
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}

test("EngineClient negotiates once, and its first request rides on the connection of the ping", async () => {
  await using server = await serve("negotiate", (_, socket) => socket.write(json({ ok: true })));
  expect<unknown>(await server.client.json("GET", "/info")).toEqual({ ok: true });
  expect(server.connections()).toBe(1);
  await server.client.json("GET", "/info");
  expect(server.received.map((text) => text.split("\r\n")[0])).toEqual([
    "GET /v1.48/info HTTP/1.1",
    "GET /v1.48/info HTTP/1.1",
  ]);
});

test("EngineClient uses a connection again whose answer was read to its end, and no other", async () => {
  const answers = [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{}",
    "HTTP/1.1 204 No Content\r\n\r\n",
  ];
  await using server = await serve("again", (_, socket) => void socket.write(answers.shift() ?? ""), {
    apiVersion: "1.51",
  });
  const { client } = server;
  await client.json("GET", "/first");
  expect(server.connections()).toBe(1);
  await client.json("GET", "/closes");
  expect(server.connections()).toBe(1);
  await client.json("GET", "/chunked");
  expect(server.connections()).toBe(2);
  const { body } = await client.request("GET", "/left-early");
  for await (const _ of body) break;
  expect(server.connections()).toBe(2);
  await client.discard("DELETE", "/last");
  expect(server.connections()).toBe(3);
});

test("EngineClient asks for no version that the user fixed", async () => {
  await using server = await serve("fixed", (_, socket) => socket.write(json([])), { apiVersion: "1.30" });
  await server.client.json("GET", "/containers/json", { query: { all: true, limit: 3, none: undefined, off: false } });
  expect(server.received[0]).toStartWith(
    "GET /v1.30/containers/json?all=1&limit=3 HTTP/1.1\r\nHost: api.moby.localhost",
  );
});

test("EngineClient sends JSON with its length and type, and a length of 0 without a body", async () => {
  await using server = await serve("body", (_, socket) => socket.write(json({})), { apiVersion: "1.51" });
  await server.client.json("POST", "/x", { json: { ü: 1 } });
  await server.client.json("POST", "/y");
  expect(server.received[0]).toContain("Content-Type: application/json\r\nContent-Length: 8\r\n\r\n");
  expect(server.received[1]).toContain("Content-Length: 0\r\n");
});

test.each([
  [404, "not-found", json({ message: "No such container: x" }, "404 Not Found"), "No such container: x"],
  [409, "conflict", json({ message: "in use" }, "409 Conflict"), "in use"],
  [500, "internal", "HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nboom", "boom"],
  [
    502,
    "internal",
    "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    "request returned 502 Bad Gateway for API route and version /x, check if the server supports the requested API version",
  ],
] as const)("EngineClient turns status %d into an error of kind %s", async (status, kind, answer, message) => {
  await using server = await serve(`error-${status}`, (_, socket) => socket.write(answer), { apiVersion: "1.51" });
  const error = await server.client.json("GET", "/x").catch((thrown: unknown) => thrown);
  expect(isKind(error, kind)).toBe(true);
  expect(error).toHaveProperty("message", `Error response from daemon: ${message}`);
});

test("EngineClient hears a refusal that comes before its whole body is sent", async () => {
  const answer = (_: string, socket: Socket) => {
    if (!socket.writableEnded) socket.end(json({ message: "no space left" }, "507 Full"));
  };
  await using server = await serve("refusal", answer, { apiVersion: "1.51" });
  async function* endless(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      yield new Uint8Array(1 << 16);
      await Promise.resolve();
    }
  }
  await expect(server.client.json("POST", "/images/load", { body: endless() })).rejects.toThrow("no space left");
});

test("EngineClient tells a body that cannot be read from a connection that broke", async () => {
  await using server = await serve("bad-body", () => undefined, { apiVersion: "1.51" });
  async function* broken(): AsyncGenerator<Uint8Array, void> {
    yield new Uint8Array(10);
    throw new Error("input file vanished");
  }
  await expect(server.client.json("POST", "/images/load", { body: broken() })).rejects.toThrow("input file vanished");
});

test("EngineClient tells of a body that cannot be read though the answer has begun", async () => {
  const answer = (text: string, socket: Socket) => {
    if (text.startsWith("POST")) socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  };
  await using server = await serve("begun", answer, { apiVersion: "1.51" });
  const answered = Promise.withResolvers<void>();
  async function* broken(): AsyncGenerator<Uint8Array, void> {
    yield new Uint8Array(10);
    await answered.promise;
    throw new Error("input file vanished");
  }
  const response = await server.client.request("POST", "/images/load", { body: broken() });
  answered.resolve();
  await expect(collect(response.body)).rejects.toThrow("input file vanished");
});

test("EngineClient.hijack() ends its direction alone and reads on", async () => {
  const answer = (text: string, socket: Socket) => {
    if (!text.startsWith("POST")) return;
    socket.write("HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nhello ");
    socket.on("end", () => socket.end("bye"));
  };
  await using server = await serve("hijack", answer, { apiVersion: "1.51" });
  using stream = await server.client.hijack("/containers/x/attach");
  await stream.write(Buffer.from("typed"));
  stream.closeWrite();
  let text = "";
  for (let bytes = await stream.read(); bytes !== undefined; bytes = await stream.read()) text += Buffer.from(bytes);
  expect(text).toBe("hello bye");
  expect(server.received.join("")).toContain("Upgrade: tcp");
  expect(server.received.at(-1)).toEndWith("typed");
});

test("EngineClient says that nobody listens, and where", async () => {
  const client = new EngineClient({ endpoint: parseEndpoint(`unix://${directory}/nobody.sock`) });
  const error = await client.ping().catch((thrown: unknown) => thrown);
  expect(isKind(error, "unavailable") && error.data.connecting).toBe(true);
});

test("EngineClient.request() ends with its signal", async () => {
  await using server = await serve("abort", () => undefined, { apiVersion: "1.51" });
  const controller = new AbortController();
  const request = server.client.request("GET", "/events", { signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(request).rejects.toThrow("enough");
});

test("encodeQuery() repeats lists and escapes", () => {
  expect(encodeQuery({ names: ["a/b", "c d"], flag: true, no: false })).toBe("?names=a%2Fb&names=c%20d&flag=1");
  expect(encodeQuery({})).toBe("");
});
