import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { join } from "./mod.ts";

/** Two ends of one connection: what is written to one is read from the other. */
function pair(): [Duplex, Duplex] {
  const end = (other: () => Duplex): Duplex =>
    new Duplex({
      allowHalfOpen: true,
      read: () => undefined,
      write(chunk, _encoding, done) {
        other().push(chunk);
        done();
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const left: Duplex = end(() => right);
  const right: Duplex = end(() => left);
  return [left, right];
}

/** All that comes until the end. Unlike `toArray` it leaves the other direction open. */
async function textOf(stream: Duplex): Promise<string> {
  let text = "";
  stream.on("data", (chunk) => {
    text += chunk;
  });
  await once(stream, "end");
  return text;
}

describe("join()", () => {
  test("carries both directions, half-closes included", async () => {
    const [user, client] = pair();
    const [inner, process] = pair();
    const joined = join(client, inner, { input: true });
    user.end("input");
    expect(await textOf(process)).toBe("input");
    process.end("output after the end of the input");
    expect(await textOf(user)).toBe("output after the end of the input");
    await joined;
  });

  test("drops input that nobody wants, its end too", async () => {
    const [user, client] = pair();
    const [inner, process] = pair();
    void join(client, inner, { input: false });
    user.end("input");
    process.end("output");
    expect(await textOf(user)).toBe("output");
    expect(process.readableLength).toBe(0);
    expect(inner.writableEnded).toBe(false);
  });

  test("detaches a client that vanishes", async () => {
    const [, client] = pair();
    const [inner] = pair();
    const joined = join(client, inner, { input: true });
    client.destroy();
    await joined;
    expect(inner.destroyed).toBe(true);
  });

  test("ends towards the client when the process's side fails", async () => {
    const [user, client] = pair();
    const [inner] = pair();
    const joined = join(client, inner, { input: true });
    inner.destroy(new Error("monitor is gone"));
    expect(await user.toArray()).toEqual([]);
    await joined;
  });
});
