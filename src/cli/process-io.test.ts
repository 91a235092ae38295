/** The command line as a process: what only shows with real streams. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const directory = mkdtempSync(join(tmpdir(), "tug-process-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const MAIN = resolve(import.meta.dir, "../../cmd/main.ts");

/** An engine that answers pings, and everything else as told. */
async function serve(name: string, answer: (socket: Socket) => void): Promise<AsyncDisposable & { host: string }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      const isPing = bytes.toString().startsWith("HEAD /_ping");
      if (isPing) socket.write("HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Length: 0\r\n\r\n");
      else answer(socket);
    });
  });
  const path = join(directory, name);
  await new Promise<void>((done) => server.listen(path, done));
  return {
    host: `unix://${path}`,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

function spawnTug(host: string, argv: readonly string[]) {
  const env = { PATH: process.env.PATH ?? "", HOME: directory, TUG_HOST: host };
  return Bun.spawn([process.execPath, MAIN, ...argv], { env, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
}

test("tug ends when the engine refused, although its input is still open", async () => {
  const refusal = '{"message":"no room"}';
  const head = `HTTP/1.1 500 Error\r\nContent-Type: application/json\r\nContent-Length: ${refusal.length}\r\n\r\n`;
  await using engine = await serve("refusal.sock", (socket) => socket.write(head + refusal));
  const tug = spawnTug(engine.host, ["load"]);
  expect(await new Response(tug.stderr).text()).toBe("Error response from daemon: no room\n");
  expect(await tug.exited).toBe(1);
});

test("tug ends as if killed by SIGPIPE when the reader of its output has gone", async () => {
  const body = `HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\n\r\n`;
  const flood = (socket: Socket) => {
    socket.write(body);
    const more = () => void (socket.writable && socket.write(new Uint8Array(1 << 16), more));
    more();
  };
  await using engine = await serve("flood.sock", flood);
  const tug = spawnTug(engine.host, ["save", "busybox"]);
  await tug.stdout.cancel();
  expect(await tug.exited).toBe(141);
});
