import { describe, expect, test } from "bun:test";
import { renameSync, statSync, writeFileSync } from "node:fs";
import { request, TestServer } from "./_testing.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "./message.ts";
import { HttpServer } from "./server.ts";

const ok = (body: string): HttpResponse => ({ status: 200, headers: { "Content-Type": "text/plain" }, body });

const echo: HttpHandler = async (incoming) => {
  let body = "";
  for await (const chunk of incoming.body) body += Buffer.from(chunk).toString();
  return ok(`${incoming.method} ${incoming.path} ${body}`);
};

const answerOf = (body: string) =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Fri, 02 Jan 2026 03:04:05 GMT\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe("HttpServer", () => {
  test("answers requests that were sent ahead one after another", async () => {
    await using server = await new TestServer(echo).listen();
    const client = server.client(
      request("GET /1") + request("POST /2", ["Content-Length: 2"], "hi") + request("GET /3"),
    );
    expect(await client.until("GET /3 ")).toBe(answerOf("GET /1 ") + answerOf("POST /2 hi") + answerOf("GET /3 "));
  });

  test("reads chunks wherever they are cut", async () => {
    await using server = await new TestServer(echo).listen();
    const client = server.client();
    const text = request(
      "POST /c",
      ["Transfer-Encoding: chunked"],
      "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n",
    );
    for (const character of text) {
      client.socket.write(character);
      await new Promise(setImmediate);
    }
    expect(await client.until("abc0")).toBe(answerOf("POST /c abc0123456789"));
  });

  test.each([
    ["a size that is none", "x\r\n"],
    ["no line end after a chunk", "1\r\nab\r\n0\r\n\r\n"],
    ["a bare line feed", "1\nab"],
    ["a size line without end", "1".repeat(300)],
    ["a size beyond reason", "fffffffffffff\r\n"],
  ])("answers 400 to chunks with %s", async (_, body) => {
    await using server = await new TestServer(echo).listen();
    const client = server.client(request("POST /", ["Transfer-Encoding: chunked"], body));
    expect(await client.end()).toStartWith("HTTP/1.1 400 ");
    expect(server.errors).toEqual([]);
  });

  test("takes nothing after a malformed chunk for another request", async () => {
    const forgiving: HttpHandler = async (incoming) =>
      (await echo(incoming).catch(() => ok("refused"))) as HttpResponse;
    await using server = await new TestServer(forgiving).listen();
    const client = server.client(
      request("POST /c", ["Transfer-Encoding: chunked"], "-1\r\n") + request("GET /smuggled"),
    );
    expect(await client.end()).toBe(answerOf("refused"));
  });

  test("answers 400 when the client stops in the middle of a body", async () => {
    await using server = await new TestServer(echo).listen();
    const client = server.client(request("POST /", ["Content-Length: 10"], "abc"));
    client.socket.end();
    expect(await client.end()).toStartWith("HTTP/1.1 400 ");
  });

  test("asks for a body with 100 only when the handler reads it", async () => {
    await using server = await new TestServer(async (incoming) =>
      incoming.path === "/no" ? ok("no") : echo(incoming),
    ).listen();
    const refused = server.client(request("POST /no", ["Content-Length: 5", "Expect: 100-continue"]));
    expect(await refused.end()).not.toContain("100 Continue");
    const asked = server.client(request("POST /yes", ["Content-Length: 2", "Expect: 100-continue"]));
    await asked.until("HTTP/1.1 100 Continue\r\n\r\n");
    asked.socket.write("hi");
    expect(await asked.until("POST /yes")).toEndWith("POST /yes hi");
  });

  test("skips a small body that the handler left, and goes on", async () => {
    await using server = await new TestServer(async () => ok("x")).listen();
    const client = server.client(request("POST /", ["Content-Length: 3"], "abc") + request("GET /"));
    expect(await client.until(answerOf("x") + answerOf("x"))).toBe(answerOf("x") + answerOf("x"));
  });

  test("closes instead of skipping a large body, after the answer was read", async () => {
    await using server = await new TestServer(async () => ok("no"), { skipBytes: 10 }).listen();
    const client = server.client(request("POST /", ["Content-Length: 100"], "a".repeat(100)));
    expect(await client.end()).toBe(answerOf("no"));
  });

  test("does not wait for an unwanted body that does not come", async () => {
    await using server = await new TestServer(async () => ok("no"), { headTimeoutMs: 20 }).listen();
    expect(await server.client(request("POST /", ["Content-Length: 100"], "a")).end()).toBe(answerOf("no"));
  });

  test("answers HEAD without the body but with its length", async () => {
    await using server = await new TestServer(async () => ok("12345")).listen();
    const client = server.client(request("HEAD /", ["Connection: close"]));
    expect(await client.end()).toEndWith("Connection: close\r\nContent-Length: 5\r\n\r\n");
  });

  test("sends a 304 with neither body nor length", async () => {
    await using server = await new TestServer(async () => ({ status: 304, headers: {} })).listen();
    expect(await server.client(request("GET /", ["Connection: close"])).end()).not.toContain("Content-Length");
  });

  test("sends the head of a streamed body before its first chunk", async () => {
    const gate = Promise.withResolvers<void>();
    await using server = await new TestServer(async () => ({
      status: 200,
      headers: {},
      body: (async function* () {
        await gate.promise;
        yield "first";
        yield new Uint8Array(0);
        yield Buffer.from("second");
      })(),
    })).listen();
    const client = server.client(request("GET /"));
    expect(await client.until("\r\n\r\n")).toContain("Transfer-Encoding: chunked\r\n\r\n");
    gate.resolve();
    expect(await client.until("0\r\n\r\n")).toEndWith("5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n");
  });

  test("asks for the next chunk only when the client has taken the last", async () => {
    let made = 0;
    await using server = await new TestServer(async () => ({
      status: 200,
      headers: {},
      body: (async function* () {
        for (; made < 1000; made++) yield Buffer.alloc(256 * 1024);
      })(),
    })).listen();
    const client = server.client(request("GET /"));
    await client.until("\r\n\r\n");
    client.socket.pause();
    let before = -1;
    while (before !== made) {
      before = made;
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    }
    expect(made).toBeLessThan(100);
  });

  test("cuts a body that fails, so that it cannot be taken for whole", async () => {
    await using server = await new TestServer(async () => ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield "part";
        throw new Error("disk on fire");
      })(),
    })).listen();
    const received = await server.client(request("GET /")).end();
    expect(received).toEndWith("4\r\npart\r\n");
    expect(server.errors).toEqual([new Error("disk on fire")]);
  });

  test("answers an empty 500 to a handler that throws, and reports it", async () => {
    await using server = await new TestServer(async () => {
      throw new Error("bug");
    }).listen();
    expect(await server.client(request("GET /", ["Connection: close"])).end()).toMatch(
      /^HTTP\/1.1 500 [\s\S]*\r\n\r\n$/,
    );
    expect(server.errors).toEqual([new Error("bug")]);
  });

  test("aborts the signal of a request whose client hangs up", async () => {
    const seen = Promise.withResolvers<HttpRequest>();
    const aborted = Promise.withResolvers<void>();
    await using server = await new TestServer(async (incoming) => {
      incoming.signal.addEventListener("abort", () => aborted.resolve());
      seen.resolve(incoming);
      await aborted.promise;
      return ok("");
    }).listen();
    const client = server.client(request("GET /"));
    await seen.promise;
    client.socket.destroy();
    await aborted.promise;
  });

  test("drops a body that brings nothing when its client hangs up", async () => {
    const asked = Promise.withResolvers<void>();
    await using server = await new TestServer(async () => ({
      status: 200,
      headers: {},
      body: {
        [Symbol.asyncIterator]: () => ({
          next: () => {
            asked.resolve();
            return new Promise(() => undefined);
          },
        }),
      },
    })).listen();
    const client = server.client(request("GET /"));
    await asked.promise;
    client.socket.destroy();
    // Waits for every connection, since a minute has not passed.
    await server.server.close(60_000);
  });

  test("still answers a client that closed its side after the request", async () => {
    await using server = await new TestServer(echo).listen();
    const client = server.client(request("GET /half"));
    client.socket.end();
    expect(await client.end()).toContain("GET /half");
  });

  test("reads a head byte by byte, and empty lines before it", async () => {
    await using server = await new TestServer(echo).listen();
    const client = server.client();
    for (const character of `\r\n${request("GET /slow")}`) {
      client.socket.write(character);
      await new Promise(setImmediate);
    }
    expect(await client.until("GET /slow")).toBe(answerOf("GET /slow "));
  });

  test.each([
    ["a head that is too large", { headBytes: 100 }, request("GET /", [`X: ${"a".repeat(200)}`]), "431"],
    ["a head that does not end", { headTimeoutMs: 20 }, "GET / HTTP/1.1\r\nHost:", "408"],
    ["a line feed without carriage return", {}, "GET / HTTP/1.1\nHost: x\n\n", "400"],
    ["TLS on a plain port", {}, "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "400"],
  ])("ends a connection with %s", async (_, limits, text, status) => {
    await using server = await new TestServer(echo, limits).listen();
    expect(await server.client(text).end()).toStartWith(`HTTP/1.1 ${status} `);
  });

  test("closes an idle connection without a word", async () => {
    await using server = await new TestServer(echo, { idleTimeoutMs: 20 }).listen();
    expect(await server.client().end()).toBe("");
  });

  test("closes connections beyond its limit", async () => {
    await using server = await new TestServer(echo, { connections: 1 }).listen();
    const first = server.client(request("GET /a"));
    await first.until("GET /a");
    expect(await server.client(request("GET /b")).end()).toBe("");
  });
});

describe("HttpServer hijack", () => {
  const upgrade: HttpHandler = async () => ({
    status: 101,
    reason: "UPGRADED",
    headers: { Connection: "Upgrade", Upgrade: "tcp" },
    hijack: (stream) =>
      new Promise((resolve) => {
        stream.on("data", (chunk) => stream.write(`<${chunk}>`));
        stream.on("end", () => stream.end("bye", () => resolve()));
        stream.on("close", resolve);
      }),
  });

  test("hands over the connection, what came early included, and half-closes in both directions", async () => {
    await using server = await new TestServer(upgrade).listen();
    const client = server.client(`${request("POST /attach", ["Connection: Upgrade", "Upgrade: tcp"])}early`);
    await client.until("<early>");
    client.socket.end("late");
    expect(await client.end()).toBe(
      "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n<early><late>bye",
    );
  });

  test("does not lose an end that came before the handler was ready", async () => {
    const gate = Promise.withResolvers<void>();
    await using server = await new TestServer(async (incoming) => {
      await gate.promise;
      return upgrade(incoming);
    }).listen();
    const client = server.client(`${request("POST /attach")}all`);
    client.socket.end();
    await new Promise(setImmediate);
    gate.resolve();
    expect(await client.end()).toEndWith("\r\n\r\n<all>bye");
  });

  test.each(["at once", "after half-closing"])("closes the stream of a client that vanishes %s", async (when) => {
    const closed = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    await using server = await new TestServer(async () => ({
      status: 200,
      headers: {},
      hijack: (stream) =>
        new Promise((resolve) => {
          stream.resume();
          stream.on("end", () => ended.resolve());
          stream.on("close", () => {
            closed.resolve();
            resolve();
          });
        }),
    })).listen();
    const client = server.client(request("POST /attach"));
    await client.until("\r\n\r\n");
    if (when === "after half-closing") {
      client.socket.end();
      await ended.promise;
    }
    client.socket.destroy();
    await closed.promise;
  });
});

describe("HttpServer.close()", () => {
  test("lets a request at work end, cuts endless ones, and ends idle connections", async () => {
    const gate = Promise.withResolvers<void>();
    await using server = await new TestServer(async (incoming) => {
      if (incoming.path === "/idle") return ok("idle");
      if (incoming.path === "/follow") {
        return {
          status: 200,
          headers: {},
          endless: true,
          body: (async function* () {
            yield String(await gate.promise);
          })(),
        };
      }
      await gate.promise;
      return ok("done");
    }).listen();
    const idle = server.client(request("GET /idle"));
    const follow = server.client(request("GET /follow"));
    const working = server.client(request("GET /working"));
    await idle.until("idle");
    await follow.until("chunked\r\n\r\n");
    const closed = server.server.close(60_000);
    await idle.end();
    await follow.end();
    gate.resolve();
    expect(await working.end()).toEndWith("done");
    await closed;
  });

  test("hangs up when its patience is over", async () => {
    await using server = await new TestServer(() => new Promise(() => undefined)).listen();
    const client = server.client(request("GET /"));
    await new Promise(setImmediate);
    await server.server.close(10);
    expect(await client.end()).toBe("");
  });
});

describe("HttpServer.listen()", () => {
  test("gives a socket file its mode, and refuses to take one that is served", async () => {
    await using server = await new TestServer(echo).listen();
    expect(statSync(server.path).mode & 0o777).toBe(0o600);
    const second = new HttpServer({ handler: echo, now: () => new Date(), onError: () => undefined });
    await expect(second.listen({ kind: "unix", path: server.path, mode: 0o600 })).rejects.toMatchObject({
      kind: "conflict",
    });
  });

  test("replaces a socket file that nobody serves any more", async () => {
    await using server = new TestServer(echo);
    await server.server.listen({ kind: "unix", path: `${server.path}.first`, mode: 0o600 });
    renameSync(`${server.path}.first`, server.path);
    await server.server.close(0);
    await using second = new HttpServer({ handler: echo, now: () => new Date(), onError: () => undefined });
    await second.listen({ kind: "unix", path: server.path, mode: 0o600 });
    expect(await server.client(request("GET /again")).until("GET /again")).toContain("200 OK");
  });

  test("does not touch a file that is no socket", async () => {
    await using server = new TestServer(echo);
    writeFileSync(server.path, "precious");
    await expect(server.listen()).rejects.toMatchObject({ kind: "conflict" });
    expect(statSync(server.path).size).toBe(8);
  });

  test("tells the port that was chosen", async () => {
    await using server = new HttpServer({ handler: echo, now: () => new Date(), onError: () => undefined });
    const port = await server.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    const response = await fetch(`http://127.0.0.1:${port}/tcp`);
    expect(await response.text()).toBe("GET /tcp ");
  });

  test("serves a listening socket that it inherited", async () => {
    const inherited = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const descriptor = (inherited as unknown as { fd: number }).fd;
    const script = `
      import { HttpServer } from ${JSON.stringify(`${import.meta.dir}/server.ts`)};
      const handler = async () => ({ status: 200, headers: {}, body: "inherited" });
      const server = new HttpServer({ handler, now: () => new Date(), onError: console.error });
      console.log(await server.listen({ kind: "fd", fd: 3 }));`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "pipe", "inherit", descriptor] });
    try {
      const { value } = await child.stdout.getReader().read();
      expect(new TextDecoder().decode(value)).toBe(`${inherited.port}\n`);
      inherited.stop();
      expect(await (await fetch(`http://127.0.0.1:${inherited.port}/`)).text()).toBe("inherited");
    } finally {
      child.kill();
      await child.exited;
    }
  });
});
