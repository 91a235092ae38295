import { expect, test } from "bun:test";
import { readBytes } from "./json-body.ts";

test("readBytes() gives up on a body that does not end", async () => {
  const body = (async function* () {
    yield Buffer.from("{");
    await new Promise(() => undefined);
  })();
  await expect(readBytes(body, 100, 10)).rejects.toMatchObject({ status: 408 });
});

test("readBytes() takes a body of exactly its limit", async () => {
  const body = (async function* () {
    yield Buffer.from("12");
    yield Buffer.from("345");
  })();
  expect((await readBytes(body, 5)).toString()).toBe("12345");
});
