/** How long `Retry-After` asks to wait: seconds, or a date (RFC 9110, 10.2.3). Undefined when it says nothing of sense. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Date.parse takes bare numbers and much else for dates; those of HTTP begin with the day's name.
  const date = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
