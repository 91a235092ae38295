/** The ranges that registries speak of: of downloads (RFC 9110, 14.4) and of uploads (distribution-spec, "Pushing a blob in chunks"). */

export interface ContentRange {
  readonly start: number;
  /** The last byte is included. */
  readonly end: number;
  /** Undefined when the server does not know. */
  readonly total: number | undefined;
}

/** `bytes 0-99/1000`; undefined for anything else. */
export function parseContentRange(text: string | null): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(text?.trim() ?? "");
  if (!match) return undefined;
  const [start, end] = [Number(match[1]), Number(match[2])];
  const total = match[3] === "*" ? undefined : Number(match[3]);
  return end < start || (total !== undefined && end >= total) ? undefined : { start, end, total };
}

/**
 * How many bytes of an upload a registry has, from its `Range: 0-99`. `0-0` means none: it is what registries say of an upload
 * that has just begun, and nobody sends a single byte. Undefined for anything else.
 */
export function parseUploadRange(text: string | null): number | undefined {
  const match = /^(?:bytes=)?0-(-1|\d{1,15})$/.exec(text?.trim() ?? "");
  if (!match) return undefined;
  const last = Number(match[1]);
  return last <= 0 ? 0 : last + 1;
}
