import { expect, test } from "bun:test";
import { type Duplex, duplexPair } from "node:stream";
import { ClientStream } from "./client-stream.ts";

async function text(stream: Duplex): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += Buffer.from(chunk as Uint8Array).toString();
  return all;
}

test("what was written before the process came reaches it, and the half-close after it", async () => {
  const [near, far] = duplexPair();
  const stream = new ClientStream();
  stream.end("typed early");
  stream.connect(near);
  expect(await text(far)).toBe("typed early");
});

test("what the process says comes after what was put before it", async () => {
  const [near, far] = duplexPair();
  const stream = new ClientStream();
  await stream.prepend(Buffer.from("past "));
  far.end("present");
  stream.connect(near);
  expect(await text(stream)).toBe("past present");
});

test("a half-close ends the input, not the output", async () => {
  const [near, far] = duplexPair();
  const stream = new ClientStream();
  stream.connect(near);
  let input = "";
  far.on("data", (chunk: Buffer) => {
    input += chunk;
  });
  far.on("end", () => far.end(`got ${input}`));
  stream.end("in");
  expect(await text(stream)).toBe("got in");
});

test("a client that leaves lets go of the process's side, also when that comes later", async () => {
  const [near] = duplexPair();
  const stream = new ClientStream();
  stream.connect(near);
  stream.destroy();
  expect(near.destroyed).toBe(true);
  const [late] = duplexPair();
  stream.connect(late);
  expect(late.destroyed).toBe(true);
});

test("a stream whose process never comes ends", async () => {
  const stream = new ClientStream();
  stream.write("nobody reads this");
  stream.abandon();
  expect(await text(stream)).toBe("");
});

test("detach keys end the stream, let go of the process, and tell once", async () => {
  const [near, far] = duplexPair();
  let detached = 0;
  const stream = new ClientStream({ detachKeys: [16, 17], onDetach: () => detached++ });
  stream.connect(near);
  const input: Buffer[] = [];
  far.on("data", (chunk: Buffer) => input.push(chunk));
  stream.write(Buffer.from([97, 16]));
  stream.write(Buffer.from([17, 98]));
  expect(await text(stream)).toBe("");
  expect(Buffer.concat(input).toString()).toBe("a");
  expect(near.destroyed).toBe(true);
  expect(detached).toBe(1);
});

test("a reader that is slow holds the process back, and gets everything", async () => {
  const [near, far] = duplexPair();
  const stream = new ClientStream();
  stream.connect(near);
  const chunk = "x".repeat(64 * 1024);
  let blocked = false;
  const writing = (async () => {
    for (let count = 0; count < 32; count++) {
      if (!far.write(chunk)) {
        blocked = true;
        await new Promise((resolve) => far.once("drain", resolve));
      }
    }
    far.end();
  })();
  await new Promise(setImmediate);
  expect((await text(stream)).length).toBe(32 * chunk.length);
  await writing;
  expect(blocked).toBe(true);
});
