import { alignUp, BLOCK, BLOCK_BITS, CHUNK_BITS_MASK } from "./_format.ts";
import type { FileInode } from "./inode.ts";

/** 8 MiB of index for one file; with pieces of 4 KiB a sparse file of 4 GiB still maps whole. */
const MAX_CHUNKS = 1 << 20;

/** Where one chunk of a file is: nowhere, at a byte offset of the data file, or to be put together in the image. */
export type Chunk =
  | { readonly kind: "hole" }
  | { readonly kind: "mapped"; readonly offset: number }
  | { readonly kind: "copied"; readonly pieces: readonly CopiedPiece[] };

export interface CopiedPiece {
  /** In the data file. */
  readonly from: number;
  /** In the chunk. */
  readonly to: number;
  readonly size: number;
}

export interface ChunkPlan {
  /** log2 of the bytes of a chunk. */
  readonly bits: number;
  readonly count: number;
  /** Produces the chunks in order. */
  chunks(): Iterable<Chunk>;
}

/**
 * Cuts a file into chunks. An ordinary file is one chunk however large (up to 1 TiB). A sparse one is cut as finely
 * as its pieces need; where that would take too many chunks, or where a piece starts between blocks, the chunks
 * concerned are copied into the image. So is the end of a file whose last block the data file does not hold whole
 * (a tar may end without padding): the kernel would fail to read it.
 */
export function planChunks(file: FileInode, dataSize: number): ChunkPlan {
  const { segments, offset } = file.data;
  if (segments === undefined && alignUp(offset + file.size, BLOCK) <= dataSize) return contiguous(file.size, offset);
  const pieces = segments ?? withTail(file.size);
  let bits = alignmentBits(file.size, pieces);
  while (file.size / 2 ** bits > MAX_CHUNKS) bits++;
  const size = 2 ** bits;
  return {
    bits,
    count: Math.ceil(file.size / size),
    chunks: () => sparseChunks({ fileSize: file.size, chunkSize: size, offset, segments: pieces, dataSize }),
  };
}

/** A file as two pieces, the second one its last block. */
function withTail(fileSize: number): { offset: number; size: number }[] {
  const tail = Math.floor((fileSize - 1) / BLOCK) * BLOCK;
  const pieces = [
    { offset: 0, size: tail },
    { offset: tail, size: fileSize - tail },
  ];
  return pieces.filter(({ size }) => size > 0);
}

function contiguous(fileSize: number, offset: number): ChunkPlan {
  const bits = Math.min(ceilLog2(alignUp(fileSize, BLOCK)), BLOCK_BITS + CHUNK_BITS_MASK);
  const count = Math.ceil(fileSize / 2 ** bits);
  return {
    bits,
    count,
    *chunks() {
      for (let i = 0; i < count; i++) yield { kind: "mapped", offset: offset + i * 2 ** bits };
    },
  };
}

function ceilLog2(value: number): number {
  let bits = BLOCK_BITS;
  while (2 ** bits < value) bits++;
  return bits;
}

/** The largest chunk at whose borders every piece starts and ends; at least a block. */
function alignmentBits(fileSize: number, segments: readonly { offset: number; size: number }[]): number {
  let bits = ceilLog2(fileSize);
  const fit = (border: number) => {
    while (bits > BLOCK_BITS && border % 2 ** bits !== 0) bits--;
  };
  for (const { offset, size } of segments) {
    fit(offset);
    if (offset + size < fileSize) fit(offset + size);
  }
  return Math.min(bits, BLOCK_BITS + CHUNK_BITS_MASK);
}

function* sparseChunks(plan: {
  fileSize: number;
  chunkSize: number;
  offset: number;
  segments: readonly { offset: number; size: number }[];
  dataSize: number;
}): Generator<Chunk> {
  const { fileSize, chunkSize, segments, dataSize } = plan;
  let next = 0;
  /** Where the data of segment `next` is stored. */
  let stored = plan.offset;
  for (let start = 0; start < fileSize; start += chunkSize) {
    const end = Math.min(start + chunkSize, fileSize);
    const pieces: CopiedPiece[] = [];
    for (let segment = segments[next]; segment !== undefined && segment.offset < end; segment = segments[next]) {
      const from = Math.max(segment.offset, start);
      const to = Math.min(segment.offset + segment.size, end);
      pieces.push({ from: stored + from - segment.offset, to: from - start, size: to - from });
      if (segment.offset + segment.size > end) break;
      stored += segment.size;
      next++;
    }
    yield classify(pieces, { size: end - start, dataSize });
  }
}

function classify(pieces: readonly CopiedPiece[], chunk: { size: number; dataSize: number }): Chunk {
  const [piece] = pieces;
  if (piece === undefined) return { kind: "hole" };
  const whole = piece.size === chunk.size && piece.from % BLOCK === 0;
  if (whole && alignUp(piece.from + piece.size, BLOCK) <= chunk.dataSize) return { kind: "mapped", offset: piece.from };
  return { kind: "copied", pieces };
}
