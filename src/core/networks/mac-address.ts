import { EngineError } from "#lib/errors";
import { toBytes } from "./subnet.ts";

/** Docker's classic scheme: 02:42 and the IPv4 address, so that an address is never at two hardware addresses. */
export function macAddressOf(address: number): Uint8Array {
  return Uint8Array.of(0x02, 0x42, ...toBytes(address));
}

/** @throws `invalid-parameter` unless `value` is six hex bytes of a single station (no group address) */
export function parseMacAddress(value: string): Uint8Array {
  const bytes = Uint8Array.from(value.split(/[:-]/), (byte) => Number.parseInt(byte, 16));
  const group = ((bytes[0] ?? 0) & 1) !== 0;
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(value) || group) {
    throw new EngineError("invalid-parameter", `invalid MAC address: ${value}`);
  }
  return bytes;
}

export function formatMacAddress(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
