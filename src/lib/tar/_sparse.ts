/**
 * The maps of sparse files, in the four ways GNU tar has written them (GNU tar manual, "Sparse Formats"):
 *
 *     old GNU   type "S"; four pieces in the header block, 21 in each block that follows it
 *     pax 0.0   GNU.sparse.offset and GNU.sparse.numbytes records, in turns
 *     pax 0.1   one GNU.sparse.map record: "offset,size,offset,size"
 *     pax 1.0   decimal lines in front of the data: count, then offset and size of each
 */
import { readNumber } from "./_numbers.ts";
import { parseDecimal } from "./_pax.ts";
import { TAR_LIMITS, type TarSegment } from "./entry.ts";

/** Reads pieces of an old GNU map; an unused slot ends it. @returns undefined for a number that is none */
export function readOldGnuSlots(block: Uint8Array, slots: { offset: number; count: number }): TarSegment[] | undefined {
  const segments: TarSegment[] = [];
  for (let i = 0; i < slots.count; i++) {
    const at = slots.offset + i * 24;
    if (block[at] === 0) break;
    const offset = readNumber(block, at, 12);
    const size = readNumber(block, at + 12, 12);
    if (offset === undefined || size === undefined) return undefined;
    segments.push({ offset, size });
  }
  return segments;
}

/** Pairs up the numbers of a pax 0.0 or 0.1 map. @returns undefined for an odd count or a number that is none */
export function pairSegments(numbers: readonly string[]): TarSegment[] | undefined {
  if (numbers.length % 2 !== 0 || numbers.length / 2 > TAR_LIMITS.segments) return undefined;
  const segments: TarSegment[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    const offset = parseDecimal(numbers[i]!);
    const size = parseDecimal(numbers[i + 1]!);
    if (offset === undefined || size === undefined) return undefined;
    segments.push({ offset, size });
  }
  return segments;
}

/** Collects the lines of a pax 1.0 map block by block. */
export class SparseMapReader {
  readonly #numbers: string[] = [];
  #line = "";
  #wanted: number | undefined;

  get done(): boolean {
    return this.#wanted !== undefined && this.#numbers.length >= this.#wanted;
  }

  get segments(): TarSegment[] | undefined {
    return pairSegments(this.#numbers);
  }

  /** @returns false when the block is no part of a map */
  add(block: Uint8Array): boolean {
    for (let i = 0; i < block.byteLength && !this.done; i++) {
      const byte = block[i]!;
      if (byte === 0x0a) {
        if (!this.#endLine()) return false;
      } else if (byte >= 0x30 && byte <= 0x39 && this.#line.length < 16) {
        this.#line += String.fromCharCode(byte);
      } else {
        return false;
      }
    }
    return true;
  }

  #endLine(): boolean {
    if (this.#wanted !== undefined) {
      this.#numbers.push(this.#line);
    } else {
      const count = parseDecimal(this.#line);
      if (count === undefined || count > TAR_LIMITS.segments) return false;
      this.#wanted = count * 2;
    }
    const valid = this.#line !== "";
    this.#line = "";
    return valid;
  }
}

/**
 * Checks a map: ascending, not overlapping, within the file, and exactly as much data as is stored. Empty pieces,
 * with which writers mark the end of the file, are left out.
 *
 * @returns undefined when it is inconsistent
 */
export function checkSegments(
  segments: readonly TarSegment[],
  sizes: { file: number; stored: number },
): TarSegment[] | undefined {
  let end = 0;
  let stored = 0;
  for (const segment of segments) {
    if (segment.offset < end || segment.offset + segment.size > sizes.file) return undefined;
    end = segment.offset + segment.size;
    stored += segment.size;
  }
  return stored === sizes.stored ? segments.filter((segment) => segment.size > 0) : undefined;
}
