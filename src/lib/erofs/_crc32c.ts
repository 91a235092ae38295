const POLYNOMIAL = 0x82f63b78;

/** CRC-32C as the kernel's `crc32c(~0, …)`: not inverted at the end. Bit by bit, since it is for one block. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  }
  return crc >>> 0;
}
