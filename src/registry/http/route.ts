/** What a path below `/v2/` is about. Names are decoded and not checked yet. */
export type Route =
  | { readonly kind: "ping" }
  | { readonly kind: "catalog" }
  | { readonly kind: "tags"; readonly repository: string }
  | { readonly kind: "manifest"; readonly repository: string; readonly reference: string }
  | { readonly kind: "blob"; readonly repository: string; readonly digest: string }
  | { readonly kind: "uploads"; readonly repository: string }
  | { readonly kind: "upload"; readonly repository: string; readonly id: string }
  | { readonly kind: "referrers"; readonly repository: string; readonly digest: string };

/**
 * The end of a path decides, as repositories may be called `tags` or `blobs`, too. A component is decoded by itself: an encoded
 * slash makes a name that no grammar accepts.
 */
export function parseRoute(path: string): Route | undefined {
  if (path === "/v2/" || path === "/v2") return { kind: "ping" };
  if (!path.startsWith("/v2/")) return undefined;
  if (path === "/v2/_catalog") return { kind: "catalog" };
  const components = path.slice("/v2/".length).split("/");
  const [third, second, last] = [components.at(-3), components.at(-2), decode(components.at(-1) ?? "")];
  const name = (length: number) => components.slice(0, -length).map(decode).join("/");
  if (second === "manifests") return { kind: "manifest", repository: name(2), reference: last };
  if (third === "blobs" && second === "uploads")
    return last === "" ? { kind: "uploads", repository: name(3) } : { kind: "upload", repository: name(3), id: last };
  if (second === "blobs" && last === "uploads") return { kind: "uploads", repository: name(2) };
  if (second === "blobs") return { kind: "blob", repository: name(2), digest: last };
  if (second === "tags" && last === "list") return { kind: "tags", repository: name(2) };
  if (second === "referrers") return { kind: "referrers", repository: name(2), digest: last };
  return undefined;
}

/** `%2F` stays, so that it cannot make components. What cannot be decoded stays, too, and fits no grammar. */
function decode(component: string): string {
  if (!component.includes("%")) return component;
  try {
    return decodeURIComponent(component.replace(/%2f/gi, "%252F"));
  } catch {
    return component;
  }
}
