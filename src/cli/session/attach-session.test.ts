import { expect, test } from "bun:test";
import type { HijackedStream } from "#client";
import { testIo } from "../_test-io.ts";
import type { Io } from "../io.ts";
import { runSession } from "./attach-session.ts";

interface FakeStream extends HijackedStream {
  readonly log: string[];
}

/** A process that echoes what it is sent, says `bye` when its input ends, and ends then. */
function echo(): FakeStream {
  const log: string[] = [];
  const output: (Uint8Array | undefined)[] = [];
  let wake: () => void = () => undefined;
  const push = (...bytes: (Uint8Array | undefined)[]) => {
    output.push(...bytes);
    wake();
  };
  const close = () => {
    log.push("close");
    push(undefined);
  };
  return {
    log,
    multiplexed: false,
    async read() {
      while (output.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return output.shift();
    },
    async write(bytes) {
      log.push(`write ${JSON.stringify(Buffer.from(bytes).toString())}`);
      push(bytes);
    },
    closeWrite() {
      log.push("closeWrite");
      push(Buffer.from("bye"), undefined);
    },
    close,
    [Symbol.dispose]: close,
  };
}

function terminalIo(...typed: string[]): Io & { written: { stdout: string }; modes: string[] } {
  const io = testIo({ columns: 80 });
  const modes: string[] = [];
  return {
    ...io,
    modes,
    stdin: {
      isTerminal: true,
      async *read() {
        for (const text of typed) yield Buffer.from(text);
        await new Promise(() => undefined);
      },
      hideTyping: io.stdin.hideTyping,
      async enterRawMode() {
        modes.push("raw");
        return { [Symbol.dispose]: () => void modes.push("restored") };
      },
    },
  };
}

test("runSession() passes input on, and its end, and shows output until that ends", async () => {
  const io = testIo({ stdin: "hello" });
  const stream = echo();
  expect(await runSession({ io, stream, tty: true, stdin: true, detachKeys: "" })).toBe("ended");
  expect(io.written.stdout).toBe("hellobye");
  expect(stream.log).toEqual(['write "hello"', "closeWrite", "close"]);
});

test("runSession() takes framed output apart where there is no terminal", async () => {
  const io = testIo();
  const frames = Buffer.from("\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x03err", "latin1");
  const pieces: (Uint8Array | undefined)[] = [frames.subarray(0, 5), frames.subarray(5), undefined];
  const stream = { ...echo(), read: async () => pieces.shift() };
  expect(await runSession({ io, stream, tty: false, stdin: false, detachKeys: "" })).toBe("ended");
  expect(io.written).toEqual({ stdout: "out", stderr: "err" });
});

test("runSession() leaves at the detach keys, which the process never sees, and restores the terminal", async () => {
  const io = terminalIo("ls\r", "\x10", "\x11");
  const stream = echo();
  expect(await runSession({ io, stream, tty: true, stdin: true, detachKeys: "" })).toBe("detached");
  expect(stream.log).toEqual(['write "ls\\r"', "close"]);
  expect(io.modes).toEqual(["raw", "restored"]);
});

test("runSession() heeds the keys that the user chose", async () => {
  const stream = echo();
  const session = { stream, tty: true, stdin: true, detachKeys: "ctrl-a,x" };
  expect(await runSession({ ...session, io: terminalIo("\x10\x11\x01x") })).toBe("detached");
  expect(stream.log).toEqual(['write "\\u0010\\u0011"', "close"]);
});
