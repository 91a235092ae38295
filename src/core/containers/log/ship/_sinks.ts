/** Servers for tests: they keep what they are sent, may be slow, and die when told. */
import { dlopen, ptr } from "bun:ffi";
import { createSocket } from "node:dgram";
import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** What stands at the other end. */
export interface TestSink extends AsyncDisposable {
  /** A URL's authority or path. */
  readonly address: string;
  /** All bytes of streams so far, or the messages one after the other. */
  readonly received: Buffer[];
  /** Told of each piece that comes. */
  onData: (data: Buffer, socket: Socket | undefined) => void;
  /** Reads nothing until it is told to go on. */
  pause(): void;
  goOn(): void;
  /** Ends as a process that is killed: connections are reset. */
  die(): Promise<void>;
  /** Listens again on the same address. */
  rise(): Promise<void>;
}

export async function streamSink(
  listen: { path: string } | { port: 0 },
  tls?: { cert: string; key: string },
): Promise<TestSink> {
  const received: Buffer[] = [];
  const sockets = new Set<Socket>();
  let isPaused = false;
  let server: Server;
  let at: { path: string } | { port: number; host: string } =
    "path" in listen ? listen : { port: 0, host: "127.0.0.1" };
  const serve = (socket: Socket) => {
    sockets.add(socket);
    socket.on("data", (data: Buffer) => {
      received.push(data);
      sink.onData(data, socket);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    if (isPaused) socket.pause();
  };
  const rise = async () => {
    server = tls ? createTlsServer(tls, serve) : createServer(serve);
    await new Promise<void>((resolve) => server.listen(at, resolve));
    const address = server.address();
    if (typeof address === "object" && address) at = { port: address.port, host: "127.0.0.1" };
  };
  const die = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
    if ("path" in at) rmSync(at.path, { force: true });
  };
  await rise();
  const sink: TestSink = {
    get address() {
      return "path" in at ? at.path : `127.0.0.1:${at.port}`;
    },
    received,
    onData: () => undefined,
    pause: () => {
      isPaused = true;
      for (const socket of sockets) socket.pause();
    },
    goOn: () => {
      isPaused = false;
      for (const socket of sockets) socket.resume();
    },
    die,
    rise,
    [Symbol.asyncDispose]: async () => void (await die().catch(() => undefined)),
  };
  return sink;
}

export async function udpSink(): Promise<TestSink> {
  const received: Buffer[] = [];
  let port = 0;
  let socket = createSocket("udp4");
  const rise = async () => {
    socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
    socket.on("message", (message) => {
      received.push(message);
      sink.onData(message, undefined);
    });
    await new Promise<void>((resolve) => socket.bind(port, "127.0.0.1", () => resolve()));
    port = socket.address().port;
  };
  const die = () => new Promise<void>((resolve) => socket.close(() => resolve()));
  const sink: TestSink = {
    get address() {
      return `127.0.0.1:${port}`;
    },
    received,
    onData: () => undefined,
    pause: () => undefined,
    goOn: () => undefined,
    die,
    rise,
    [Symbol.asyncDispose]: async () => void (await die().catch(() => undefined)),
  };
  await rise();
  return sink;
}

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000;
const MESSAGE_BYTES = 1 << 20;
const POLL_MS = 5;

/** JavaScript has no such sockets, so this one is the C library's. */
export async function unixDatagramSink(path: string): Promise<TestSink> {
  const { symbols } = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  });
  const received: Buffer[] = [];
  const room = Buffer.alloc(MESSAGE_BYTES);
  let fd = -1;
  let isPaused = false;
  const poll = () => {
    while (fd >= 0 && !isPaused) {
      const size = Number(symbols.recv(fd, ptr(room), room.length, 0));
      if (size < 0) return;
      const message = Buffer.from(room.subarray(0, size));
      received.push(message);
      sink.onData(message, undefined);
    }
  };
  const timer = setInterval(poll, POLL_MS);
  const rise = async () => {
    fd = symbols.socket(AF_UNIX, SOCK_DGRAM_NONBLOCK, 0);
    const address = Buffer.alloc(110);
    address.writeUInt16LE(AF_UNIX);
    address.write(path, 2);
    if (symbols.bind(fd, ptr(address), address.length) < 0) throw new Error(`bind ${path}`);
  };
  const die = async () => {
    symbols.close(fd);
    fd = -1;
    rmSync(path, { force: true });
  };
  await rise();
  const sink: TestSink = {
    address: path,
    received,
    onData: () => undefined,
    pause: () => {
      isPaused = true;
    },
    goOn: () => {
      isPaused = false;
    },
    die,
    rise,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await die();
    },
  };
  return sink;
}
