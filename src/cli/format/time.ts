/** A UNIX time as Go prints a time: `2026-11-21 00:46:49 +0000 UTC`, in the local zone. */
export function goTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString();
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${zoneOffset(offset, "")} ${zoneName(date, offset)}`;
}

/** `+0100`, or with a colon `+01:00`. */
export function zoneOffset(minutes: number, separator: string): string {
  const absolute = Math.abs(minutes);
  const digits = (value: number) => String(value).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${digits(Math.trunc(absolute / 60))}${separator}${digits(absolute % 60)}`;
}

function zoneName(date: Date, offset: number): string {
  if (offset === 0) return "UTC";
  const name = /\(([^)]*)\)/.exec(date.toString())?.[1] ?? "";
  // Engines name zones in full (`Central European Standard Time`); what people know are the initials.
  const initials = name.split(" ").map((word) => word[0] ?? "");
  return initials.length > 1 ? initials.join("") : zoneOffset(offset, "");
}

/** RFC 3339 in the local zone, without fractions: `2026-11-21T00:46:49Z`. */
export function rfc3339(seconds: number): string {
  const date = new Date(seconds * 1000);
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
  return offset === 0 ? `${local}Z` : `${local}${zoneOffset(offset, ":")}`;
}
