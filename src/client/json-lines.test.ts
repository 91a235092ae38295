import { expect, test } from "bun:test";
import { parseJsonLines } from "./json-lines.ts";

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array, void> {
  for (const text of texts) yield Buffer.from(text);
}

test("parseJsonLines() joins what is cut inside a line or a character", async () => {
  const bytes = Buffer.from('{"a":"ü"}\r\n{"b":2}');
  const cut = [...bytes].map((byte) => Uint8Array.of(byte));
  const values: unknown[] = [];
  for await (const value of parseJsonLines(
    (async function* () {
      yield* cut;
    })(),
  ))
    values.push(value);
  expect(values).toEqual([{ a: "ü" }, { b: 2 }]);
});

test("parseJsonLines() passes over empty lines", async () => {
  const values: unknown[] = [];
  for await (const value of parseJsonLines(pieces("\n\n1\n", "\r\n2\n"))) values.push(value);
  expect(values).toEqual([1, 2]);
});
