/**
 * Reads a number field: octal digits with blanks or NULs around, or base-256 (GNU: the first bit set, then a two's
 * complement number in big-endian order).
 *
 * @returns undefined for anything else, and beyond what a JavaScript number holds exactly
 */
export function readNumber(block: Uint8Array, offset: number, length: number): number | undefined {
  return block[offset]! & 0x80 ? readBase256(block, offset, length) : readOctal(block, offset, length);
}

function readOctal(block: Uint8Array, offset: number, length: number): number | undefined {
  let at = offset;
  const end = offset + length;
  while (at < end && isBlank(block[at]!)) at++;
  let value = 0;
  while (at < end && !isBlank(block[at]!)) {
    const digit = block[at++]! - 0x30;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  while (at < end) if (!isBlank(block[at++]!)) return undefined;
  return Number.isSafeInteger(value) ? value : undefined;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0;
}

function readBase256(block: Uint8Array, offset: number, length: number): number | undefined {
  const negative = block[offset] === 0xff;
  let value = negative ? -1 : block[offset]! & 0x7f;
  for (let at = offset + 1; at < offset + length; at++) value = value * 256 + block[at]!;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Writes octal digits, one less than the field is long; the block is zero already where the NUL goes. */
export function writeOctal(block: Uint8Array, field: { offset: number; length: number; value: number }): void {
  const digits = field.value.toString(8).padStart(field.length - 1, "0");
  for (let i = 0; i < digits.length; i++) block[field.offset + i] = digits.charCodeAt(i);
}
