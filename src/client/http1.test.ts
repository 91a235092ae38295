import { expect, test } from "bun:test";
import type { Connection } from "./connection.ts";
import { encodeChunk, encodeRequestHead, ResponseReader } from "./http1.ts";

/** A connection that gives these pieces and then ends. */
function connectionOf(...pieces: string[]): Connection {
  const queue = pieces.map((piece) => Buffer.from(piece));
  return {
    read: async () => queue.shift(),
    isOpen: true,
    write: async () => undefined,
    closeWrite: () => undefined,
    close: () => undefined,
    [Symbol.dispose]: () => undefined,
  };
}

async function readAll(connection: Connection, method = "GET"): Promise<{ status: number; body: string }> {
  const reader = new ResponseReader(connection);
  const head = await reader.head();
  const parts: Uint8Array[] = [];
  for await (const part of reader.body(method, head)) parts.push(part);
  return { status: head.status, body: Buffer.concat(parts).toString() };
}

test("ResponseReader reads a body of known length and leaves the rest", async () => {
  const reader = new ResponseReader(connectionOf("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcREST"));
  const head = await reader.head();
  const parts: string[] = [];
  for await (const part of reader.body("GET", head)) parts.push(Buffer.from(part).toString());
  expect(parts.join("")).toBe("abc");
  expect(Buffer.from((await reader.read())!).toString()).toBe("REST");
});

test("ResponseReader reads chunks however they are cut, with extensions and trailers", async () => {
  const whole =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nWiki\r\n5\r\npedia\r\n0\r\nX-Sum: 1\r\n\r\n";
  expect((await readAll(connectionOf(whole))).body).toBe("Wikipedia");
  expect((await readAll(connectionOf(...whole))).body).toBe("Wikipedia");
});

test("ResponseReader reads to the end when no length is told", async () => {
  expect((await readAll(connectionOf("HTTP/1.1 200 OK\r\n\r\nab", "cd"))).body).toBe("abcd");
});

test("ResponseReader finds no body after HEAD, 204 and 304", async () => {
  expect((await readAll(connectionOf("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), "HEAD")).body).toBe("");
  expect(await readAll(connectionOf("HTTP/1.1 204 No Content\r\n\r\n"))).toEqual({ status: 204, body: "" });
  expect(await readAll(connectionOf("HTTP/1.1 304 Not Modified\r\n\r\n"))).toEqual({ status: 304, body: "" });
});

test("ResponseReader passes over interim answers, but not over 101", async () => {
  const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  expect((await readAll(connectionOf(interim))).status).toBe(200);
  const reader = new ResponseReader(connectionOf("HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nraw"));
  expect((await reader.head()).status).toBe(101);
  expect(Buffer.from((await reader.read())!).toString()).toBe("raw");
});

test.each([
  ["no HTTP", "SSH-2.0-x\r\n\r\n", 'bad status line "SSH-2.0-x"'],
  ["a header without colon", "HTTP/1.1 200 OK\r\nfoo\r\n\r\n", 'bad header "foo"'],
  ["a bad length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 'bad content length "-1"'],
  ["a bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 'bad chunk size "zz"'],
  ["an endless head", `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(20_000)}`, "bad line too long"],
])("ResponseReader refuses %s", async (_, text, fault) => {
  await expect(readAll(connectionOf(text))).rejects.toThrow(fault);
});

test.each([
  ["in the head", "HTTP/1.1 200 OK\r\nConte"],
  ["in the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"],
  ["in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"],
])("ResponseReader tells an end %s from the end of the answer", async (_, text) => {
  await expect(readAll(connectionOf(text))).rejects.toThrow("unexpected EOF");
});

test("encodeRequestHead() refuses line breaks, so that a header cannot become two", () => {
  const head = { method: "GET", target: "/", headers: { "X-A": "b\r\nEvil: yes" } };
  expect(() => encodeRequestHead(head)).toThrow('invalid HTTP header "X-A"');
  const fine = encodeRequestHead({ method: "GET", target: "/x?y", headers: { Host: "h" } });
  expect(Buffer.from(fine).toString()).toBe("GET /x?y HTTP/1.1\r\nHost: h\r\n\r\n");
});

test("encodeChunk() makes nothing of nothing, which would end the body", () => {
  expect(encodeChunk(new Uint8Array())).toEqual([]);
  expect(Buffer.concat(encodeChunk(Buffer.from("hello world, again"))).toString()).toBe("12\r\nhello world, again\r\n");
});
