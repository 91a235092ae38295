import { expect, test } from "bun:test";
import { byteString } from "#lib/fs";
import { TarPacker } from "./pack.ts";
import { readTar } from "./read.ts";
import { tarArchive } from "./write.ts";

const header = (name: string, size = 0) => ({ type: "file", name: byteString(name), mode: 0o644, size }) as const;

test("TarPacker writes what tarArchive() writes", () => {
  const packer = new TarPacker();
  const content = Buffer.from("content");
  const chunks = [
    ...packer.header(header("a", content.length)),
    ...packer.data(content),
    ...packer.padding(content.length),
    ...packer.header(header("b")),
    ...packer.end(),
  ];
  expect(chunks).toHaveLength(1);
  expect(Buffer.compare(chunks[0]!, tarArchive([{ ...header("a"), content }, header("b")]))).toBe(0);
});

test("TarPacker sends small pieces together, and keeps none for long", async () => {
  const packer = new TarPacker();
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < 1000; i++) {
    chunks.push(...packer.header(header(`f${i}`, 600)), ...packer.data(Buffer.alloc(600, "x")), ...packer.padding(600));
    const sent = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    expect((i + 1) * 1536 - sent).toBeLessThan(128 * 1024);
  }
  chunks.push(...packer.end());
  expect(chunks.length).toBeLessThan(15);
  const names: string[] = [];
  const archive = (async function* () {
    yield* chunks;
  })();
  for await (const { entry } of readTar(archive)) names.push(entry.name);
  expect(names).toHaveLength(1000);
});
