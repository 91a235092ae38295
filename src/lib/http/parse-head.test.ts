import { describe, expect, test } from "bun:test";
import { HttpError } from "./message.ts";
import { parseHead } from "./parse-head.ts";

const head = (...lines: string[]) => parseHead(lines.join("\r\n"));

describe("parseHead()", () => {
  test("reads a request line and its headers", () => {
    const parsed = head("POST /a%20b?x=1?y HTTP/1.1", "Host: h", "X-A:  one ", "x-a: two", "Content-Length: 12");
    expect(parsed).toMatchObject({ method: "POST", path: "/a%20b", query: "x=1?y", length: 12, keepAlive: true });
    expect(parsed.headers.get("x-a")).toBe("one, two");
  });

  test.each([
    ["absolute form", "GET http://h:1/a?b HTTP/1.1", "/a", "b"],
    ["asterisk form", "OPTIONS * HTTP/1.1", "*", ""],
  ])("takes the %s of a target", (_, line, path, query) => {
    expect(head(line, "Host: h")).toMatchObject({ path, query });
  });

  test.each([
    [["GET / HTTP/1.1", "Host: h", "Connection: keep-alive, Close"], false],
    [["GET / HTTP/1.1", "Host: h", "Connection: Upgrade"], true],
    [["GET / HTTP/1.0"], false],
  ])("knows whether %j keeps the connection", (lines, keepAlive) => {
    expect(head(...lines).keepAlive).toBe(keepAlive);
  });

  test.each([
    [400, "no host", ["GET / HTTP/1.1"]],
    [400, "two hosts", ["GET / HTTP/1.1", "Host: a", "Host: b"]],
    [400, "two lengths", ["POST / HTTP/1.1", "Host: h", "Content-Length: 1", "Content-Length: 1"]],
    [400, "a length beside chunks", ["POST / HTTP/1.1", "Host: h", "Content-Length: 1", "Transfer-Encoding: chunked"]],
    [400, "chunks in HTTP/1.0", ["POST / HTTP/1.0", "Transfer-Encoding: chunked"]],
    [501, "another encoding", ["POST / HTTP/1.1", "Host: h", "Transfer-Encoding: gzip, chunked"]],
    [501, "an encoding in disguise", ["POST / HTTP/1.1", "Host: h", "Transfer-Encoding: chunked\t, x"]],
    [400, "a negative length", ["POST / HTTP/1.1", "Host: h", "Content-Length: -1"]],
    [400, "a length with a sign", ["POST / HTTP/1.1", "Host: h", "Content-Length: +1"]],
    [400, "a length in hex", ["POST / HTTP/1.1", "Host: h", "Content-Length: 0x1"]],
    [400, "a length list", ["POST / HTTP/1.1", "Host: h", "Content-Length: 1, 1"]],
    [400, "a length beyond doubles", ["POST / HTTP/1.1", "Host: h", "Content-Length: 99999999999999999999"]],
    [400, "a blank before the colon", ["GET / HTTP/1.1", "Host : h"]],
    [400, "a folded line", ["GET / HTTP/1.1", "Host: h", " folded: x"]],
    [400, "a bare line feed", ["GET / HTTP/1.1", "Host: h\nX: y"]],
    [400, "a NUL", ["GET / HTTP/1.1", "Host: h\0"]],
    [400, "no colon", ["GET / HTTP/1.1", "Host: h", "nonsense"]],
    [400, "a relative target", ["GET a HTTP/1.1", "Host: h"]],
    [400, "a blank in the target", ["GET /a b HTTP/1.1", "Host: h"]],
    [400, "no version", ["GET /", "Host: h"]],
    [505, "HTTP/2 without its preface", ["GET / HTTP/2.0", "Host: h"]],
    [400, "another protocol", ["SSH-2.0-OpenSSH", ""]],
    [400, "a method that is no token", ["GE(T / HTTP/1.1", "Host: h"]],
  ])("answers %i to %s", (status, _, lines) => {
    const parse = () => head(...lines);
    expect(parse).toThrow(HttpError);
    expect(parse).toThrow(expect.objectContaining({ status }));
  });
});
