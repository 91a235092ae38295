import { createHash } from "node:crypto";
import { Duplex } from "node:stream";
import type { HttpRequest } from "./message.ts";

const HANDSHAKE_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const CONTROL_LIMIT_BYTES = 125;
const PROTOCOL_ERROR = 1002;
const NORMAL_CLOSURE = 1000;

/** The headers of the 101 that accepts a WebSocket (RFC 6455 4.2); undefined when the request asks for none. */
export function websocketHeaders(request: Pick<HttpRequest, "headers">): Record<string, string> | undefined {
  const { headers } = request;
  const key = headers.get("sec-websocket-key") ?? "";
  if (headers.get("upgrade")?.toLowerCase() !== "websocket" || headers.get("sec-websocket-version") !== "13")
    return undefined;
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) return undefined;
  const accept = createHash("sha1")
    .update(key + HANDSHAKE_GUID)
    .digest("base64");
  return { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Accept": accept };
}

/**
 * The server's end of a WebSocket as a plain stream of bytes: what is written leaves in binary frames, what is read is
 * the payload of all data frames, one after another. A close frame is the end of both directions.
 */
export class WebSocketStream extends Duplex {
  readonly #connection: Duplex;
  /** Of an unfinished header, or of an unfinished control frame. */
  #pending: Buffer = Buffer.alloc(0);
  /** The data frame whose payload is arriving. */
  #frame: { left: number; readonly mask: Buffer; offset: number } | undefined;
  #closed = false;
  #inputEnded = false;

  constructor(connection: Duplex) {
    super({ allowHalfOpen: true });
    this.#connection = connection;
    connection.on("data", (chunk: Buffer) => this.#receive(chunk));
    connection.on("end", () => this.#endInput());
    connection.on("close", () => this.destroy());
    connection.on("error", () => this.destroy());
  }

  override _read(): void {
    this.#connection.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#closed) done();
    else this.#connection.write(encodeFrame(OPCODE.binary, chunk), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#close(NORMAL_CLOSURE);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#connection.destroy();
    done(error);
  }

  #receive(chunk: Buffer): void {
    let bytes: Buffer = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#pending = Buffer.alloc(0);
    while (bytes.length > 0 && !this.#closed) {
      const rest = this.#frame ? this.#receivePayload(bytes) : this.#receiveHeader(bytes);
      if (rest === undefined) {
        this.#pending = bytes;
        return;
      }
      bytes = rest;
    }
  }

  /** Takes the payload of the current data frame; returns what follows it. */
  #receivePayload(bytes: Buffer): Buffer {
    const frame = this.#frame;
    if (!frame) return bytes;
    const payload = unmask(bytes.subarray(0, frame.left), frame.mask, frame.offset);
    frame.left -= payload.length;
    frame.offset += payload.length;
    if (frame.left === 0) this.#frame = undefined;
    if (payload.length > 0 && !this.push(payload)) this.#connection.pause();
    return bytes.subarray(payload.length);
  }

  /** Takes a header, and all of a control frame; returns what follows, undefined when there is too little yet. */
  #receiveHeader(bytes: Buffer): Buffer | undefined {
    const header = parseHeader(bytes);
    if (!header) return undefined;
    const { opcode, length, mask, bytes: headerBytes } = header;
    const control = opcode >= OPCODE.close;
    if (!mask || header.reserved || (control && (length > CONTROL_LIMIT_BYTES || !header.final))) {
      this.#close(PROTOCOL_ERROR);
      return bytes;
    }
    if (!control) {
      this.#frame = { left: length, mask, offset: 0 };
      if (length === 0) this.#frame = undefined;
      return bytes.subarray(headerBytes);
    }
    const end = headerBytes + length;
    if (bytes.length < end) return undefined;
    this.#control(opcode, unmask(bytes.subarray(headerBytes, end), mask, 0));
    return bytes.subarray(end);
  }

  #control(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.ping) this.#connection.write(encodeFrame(OPCODE.pong, payload));
    if (opcode === OPCODE.close) this.#close(NORMAL_CLOSURE);
  }

  #close(code: number): void {
    if (this.#closed) return;
    this.#closed = true;
    const reason = Buffer.alloc(2);
    reason.writeUInt16BE(code);
    this.#connection.end(encodeFrame(OPCODE.close, reason));
    this.#endInput();
  }

  #endInput(): void {
    if (!this.#inputEnded) this.push(null);
    this.#inputEnded = true;
  }
}

interface FrameHeader {
  readonly opcode: number;
  readonly final: boolean;
  readonly reserved: boolean;
  readonly length: number;
  /** Undefined in a frame that is not masked, which no client may send. */
  readonly mask: Buffer | undefined;
  /** Length of the header itself. */
  readonly bytes: number;
}

function parseHeader(bytes: Buffer): FrameHeader | undefined {
  if (bytes.length < 2) return undefined;
  const [first = 0, second = 0] = bytes;
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const maskAt = 2 + lengthBytes;
  const masked = (second & 0x80) !== 0;
  const end = maskAt + (masked ? 4 : 0);
  if (bytes.length < end) return undefined;
  return {
    opcode: first & 0x0f,
    final: (first & 0x80) !== 0,
    reserved: (first & 0x70) !== 0,
    length: lengthBytes === 2 ? bytes.readUInt16BE(2) : lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : short,
    mask: masked ? bytes.subarray(maskAt, end) : undefined,
    bytes: end,
  };
}

/** `offset`: how much of the frame came before these bytes. */
function unmask(bytes: Buffer, mask: Buffer, offset: number): Buffer {
  return Buffer.from(bytes.map((byte, at) => byte ^ (mask[(offset + at) % 4] ?? 0)));
}

function encodeFrame(opcode: number, payload: Uint8Array): Buffer {
  const lengthBytes = payload.length > 0xffff ? 8 : payload.length > CONTROL_LIMIT_BYTES ? 2 : 0;
  const header = Buffer.alloc(2 + lengthBytes);
  header[0] = 0x80 | opcode;
  header[1] = lengthBytes === 8 ? 127 : lengthBytes === 2 ? 126 : payload.length;
  if (lengthBytes === 2) header.writeUInt16BE(payload.length, 2);
  if (lengthBytes === 8) header.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([header, payload]);
}
