/** Longer headers are not looked at. */
const HEADER_LIMIT = 16_384;

/**
 * The next page that a `Link` header names (RFC 8288). It has to be at the same registry: a list is no reason to send credentials
 * elsewhere. Undefined when there is none.
 */
export function nextPage(header: string | null, current: URL): URL | undefined {
  if (header === null || header.length > HEADER_LIMIT) return undefined;
  for (const [, target = "", parameters = ""] of header.matchAll(/<([^<>]*)>([^<]*)/g)) {
    if (!/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\b)/i.test(parameters)) continue;
    const url = URL.parse(target, current.href);
    // Registries behind a proxy that ends TLS name themselves by http://.
    if (url?.host === current.host) return new URL(url.pathname + url.search, current.href);
  }
  return undefined;
}
