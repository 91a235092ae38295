import { describe, expect, test } from "bun:test";
import { request, TestServer } from "./_testing.ts";
import { WebSocketStream, websocketHeaders } from "./websocket.ts";

const HANDSHAKE = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
const MASK = [1, 2, 3, 4];

/** A server that sends back, in capitals, what it reads, and says goodbye at the end. */
function capitals(): TestServer {
  return new TestServer(async (incoming) => ({
    status: 101,
    headers: websocketHeaders(incoming) ?? {},
    hijack: (connection) =>
      new Promise((resolve) => {
        const stream = new WebSocketStream(connection);
        stream.on("data", (chunk) => stream.write(String(chunk).toUpperCase()));
        stream.on("end", () => stream.end());
        stream.on("close", resolve);
      }),
  }));
}

function frame(first: number, payload: string | number[], options: { masked: boolean } = { masked: true }): Buffer {
  const bytes = Buffer.from(payload as string);
  const length = bytes.length < 126 ? [bytes.length] : [126, bytes.length >> 8, bytes.length & 0xff];
  length[0] = (length[0] ?? 0) | (options.masked ? 0x80 : 0);
  const masked = options.masked ? bytes.map((byte, at) => byte ^ (MASK[at % 4] ?? 0)) : bytes;
  return Buffer.concat([Buffer.from([first, ...length, ...(options.masked ? MASK : [])]), masked]);
}

const latin1 = (bytes: number[] | Buffer) => Buffer.from(bytes as number[]).toString("latin1");

describe("websocketHeaders()", () => {
  test("answers the key of RFC 6455 as RFC 6455 does", () => {
    const headers = new Map([
      ["upgrade", "WebSocket"],
      ["sec-websocket-version", "13"],
      ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ]);
    expect(websocketHeaders({ headers })?.["Sec-WebSocket-Accept"]).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    expect(websocketHeaders({ headers: new Map([...headers, ["upgrade", "tcp"]]) })).toBeUndefined();
    expect(websocketHeaders({ headers: new Map([...headers, ["sec-websocket-version", "8"]]) })).toBeUndefined();
    expect(websocketHeaders({ headers: new Map([...headers, ["sec-websocket-key", "short"]]) })).toBeUndefined();
  });
});

describe("WebSocketStream", () => {
  test("reads text, binary and continued frames as one stream, and answers in binary ones", async () => {
    await using server = await capitals().listen();
    const client = server.client(request("GET /", HANDSHAKE));
    await client.until("\r\n\r\n");
    client.socket.write(Buffer.concat([frame(0x01, "te"), frame(0x80, "xt"), frame(0x82, "bin")]));
    const answers = ["TE", "XT", "BIN"].map((text) => frame(0x82, text, { masked: false }));
    expect(await client.until("BIN")).toEndWith(latin1(Buffer.concat(answers)));
  });

  test("reads a long frame byte by byte", async () => {
    await using server = await capitals().listen();
    const client = server.client(request("GET /", HANDSHAKE));
    await client.until("\r\n\r\n");
    const payload = "x".repeat(300);
    for (const byte of frame(0x82, `${payload}!`)) client.socket.write(Buffer.from([byte]));
    const received = await client.until("!");
    expect(received.match(/X/g)).toHaveLength(300);
  });

  test("answers a ping, and a close with a close", async () => {
    await using server = await capitals().listen();
    const client = server.client(request("GET /", HANDSHAKE));
    await client.until("\r\n\r\n");
    client.socket.write(Buffer.concat([frame(0x89, "hi"), frame(0x88, [3, 232])]));
    expect(await client.end()).toEndWith(latin1([0x8a, 2, 0x68, 0x69, 0x88, 2, 3, 232]));
  });

  test.each([
    ["is not masked", frame(0x82, "x", { masked: false })],
    ["uses a reserved bit", frame(0xc2, "x")],
    ["is a control frame in parts", frame(0x09, "x")],
    ["is a control frame that is too long", frame(0x89, "x".repeat(126))],
  ])("closes with a protocol error on a frame that %s", async (_, bytes) => {
    await using server = await capitals().listen();
    const client = server.client(request("GET /", HANDSHAKE));
    await client.until("\r\n\r\n");
    client.socket.write(bytes);
    expect(await client.end()).toEndWith(latin1([0x88, 2, 3, 234]));
  });
});
