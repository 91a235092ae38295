/** Images of a given shape for measurements: the same bytes everywhere and every time, about as compressible as real ones. */
import { createHash, type Hash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { byteString } from "#lib/fs";
import { TAR_END, type TarHeader, tarHeader, tarPadding } from "#lib/tar";
import { busyboxLayer } from "../../test/fixtures/busybox.ts";
import { seededRandom } from "../../test/fixtures/random.ts";

const CACHE = resolve(import.meta.dir, "../../build/bench");

export interface ImageShape {
  readonly tag: string;
  /** Above a first one with busybox, so that it can run. */
  readonly layers: readonly LayerShape[];
}

export interface LayerShape {
  readonly files: number;
  readonly bytes: number;
}

const MB = 1_000_000;

/** 1.3 GB in 36,000 files and six layers: a system, a runtime, libraries, data, an application, its configuration. */
export const LARGE: ImageShape = {
  tag: "tug-bench:large",
  layers: [
    { files: 6_000, bytes: 180 * MB },
    { files: 9_000, bytes: 320 * MB },
    { files: 17_000, bytes: 420 * MB },
    { files: 40, bytes: 300 * MB },
    { files: 3_960, bytes: 80 * MB },
  ],
};

export const MANY_LAYERS: ImageShape = {
  tag: "tug-bench:many-layers",
  layers: Array.from({ length: 39 }, () => ({ files: 12, bytes: 100_000 })),
};

/** The path of a Docker archive with the image, its layers uncompressed. It is made once. */
export async function generatedImage(shape: ImageShape): Promise<string> {
  const path = join(CACHE, `${shape.tag.replace(":", "-")}.tar`);
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const temporary = `${path}.${process.pid}`;
  const fd = openSync(temporary, "w");
  try {
    const output = new Output(fd);
    writeArchive(output, shape, await busyboxLayer());
    output.flush();
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  return path;
}

function writeArchive(output: Output, shape: ImageShape, busybox: Uint8Array): void {
  const random = seededRandom(shape.layers.length);
  const pools = makePools(random);
  const layers = [
    { size: busybox.byteLength, write: (each: Output) => each.write(busybox) },
    ...shape.layers.map((layer, index) => generatedLayer(layer, { index, random, pools })),
  ];
  const diffIDs = layers.map(({ size, write }, index) => {
    output.write(tarHeader(member(`layer-${index}/layer.tar`, size)));
    const hash = createHash("sha256");
    output.hash = hash;
    write(output);
    output.hash = undefined;
    output.write(tarPadding(size));
    return `sha256:${hash.digest("hex")}`;
  });
  const config = JSON.stringify({
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    created: "2024-01-01T00:00:00Z",
    config: { Env: ["PATH=/bin"], Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: diffIDs },
    history: diffIDs.map((_, index) => ({ created: "2024-01-01T00:00:00Z", created_by: `layer ${index}` })),
  });
  const Layers = layers.map((_, index) => `layer-${index}/layer.tar`);
  output.file("config.json", config);
  output.file("manifest.json", JSON.stringify([{ Config: "config.json", RepoTags: [shape.tag], Layers }]));
  output.write(TAR_END);
}

interface Generation {
  readonly index: number;
  readonly random: () => number;
  readonly pools: Pools;
}

function generatedLayer(shape: LayerShape, { index, random, pools }: Generation) {
  const sizes = fileSizes(shape, random);
  const folders = Math.ceil(shape.files / FILES_PER_FOLDER);
  const padded = sizes.reduce((sum, size) => sum + BLOCK + Math.ceil(size / BLOCK) * BLOCK, 0);
  return {
    size: padded + (folders + 1) * BLOCK + TAR_END.byteLength,
    write(output: Output) {
      output.write(tarHeader({ type: "directory", name: byteString(`layer-${index}/`), mode: 0o755 }));
      sizes.forEach((size, file) => {
        const folder = `layer-${index}/folder-${Math.floor(file / FILES_PER_FOLDER)}`;
        if (file % FILES_PER_FOLDER === 0)
          output.write(tarHeader({ type: "directory", name: byteString(`${folder}/`), mode: 0o755 }));
        output.write(tarHeader(member(`${folder}/file-${file}`, size)));
        writeContent(output, size, { random, pools });
        output.write(tarPadding(size));
      });
      output.write(TAR_END);
    },
  };
}

const BLOCK = 512;
const FILES_PER_FOLDER = 40;

/** Most files are small and few are large, as in real images. */
function fileSizes({ files, bytes }: LayerShape, random: () => number): number[] {
  const weights = Array.from({ length: files }, () => Math.exp(4 * random()));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => Math.round((bytes * weight) / total));
}

interface Pools {
  readonly text: Buffer;
  readonly binary: Buffer;
}

const POOL_BYTES = 8 * 1024 * 1024;
const PIECE_BYTES = 4096;
/** Of the rest gzip makes nothing smaller. It leaves 42 of 100 bytes, as of the /usr of a Debian. */
const TEXT_SHARE = 0.87;

function makePools(random: () => number): Pools {
  const text = Buffer.alloc(POOL_BYTES);
  const words = Array.from({ length: 4000 }, () => word(random));
  const pick = (from: readonly string[]) => from[Math.floor(random() ** 3 * from.length)] ?? "";
  const phrases = Array.from({ length: 3000 }, () => Array.from({ length: 4 }, () => pick(words)).join(" "));
  for (let at = 0; at < POOL_BYTES; )
    at += text.write(`${random() < 0.6 ? pick(phrases) : pick(words)}${random() < 0.2 ? "\n" : " "}`, at);
  const binary = Buffer.alloc(POOL_BYTES);
  for (let at = 0; at < POOL_BYTES; at += 4) binary.writeUInt32LE(Math.floor(random() * 2 ** 32), at);
  return { text, binary };
}

function word(random: () => number): string {
  const letters = 2 + Math.floor(random() * 9);
  return Array.from({ length: letters }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join("");
}

function writeContent(output: Output, size: number, { random, pools }: Omit<Generation, "index">): void {
  for (let left = size; left > 0; left -= PIECE_BYTES) {
    const pool = random() < TEXT_SHARE ? pools.text : pools.binary;
    const start = Math.floor(random() * (POOL_BYTES - PIECE_BYTES));
    output.write(pool.subarray(start, start + Math.min(left, PIECE_BYTES)));
  }
}

function member(name: string, size: number): TarHeader {
  return { type: "file", name: byteString(name), mode: 0o644, size };
}

/** A file, written in large pieces. */
class Output {
  /** Is shown what is written. */
  hash: Hash | undefined;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(4 * 1024 * 1024);
  #used = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(bytes: Uint8Array): void {
    this.hash?.update(bytes);
    for (let at = 0; at < bytes.byteLength; ) {
      const part = bytes.subarray(at, at + this.#buffer.byteLength - this.#used);
      this.#buffer.set(part, this.#used);
      this.#used += part.byteLength;
      at += part.byteLength;
      if (this.#used === this.#buffer.byteLength) this.flush();
    }
  }

  file(name: string, content: string): void {
    const bytes = Buffer.from(content);
    for (const piece of [tarHeader(member(name, bytes.byteLength)), bytes, tarPadding(bytes.byteLength)])
      this.write(piece);
  }

  flush(): void {
    for (let done = 0; done < this.#used; ) done += writeSync(this.#fd, this.#buffer, done, this.#used - done);
    this.#used = 0;
  }
}
