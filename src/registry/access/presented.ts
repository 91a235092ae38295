/** What a request brings to show who it is from (RFC 9110, "Authorization"). */
export type Presented =
  | { readonly kind: "nothing" }
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | { readonly kind: "token"; readonly token: string }
  /** Something that cannot be read, which is not the same as nothing. */
  | { readonly kind: "unknown" };

/** Longer than any token or password that we take; what is longer is not looked at. */
const LONGEST = 16 * 1024;

export function presentedBy(headers: Headers): Presented {
  const header = headers.get("authorization");
  if (header === null || header === "") return { kind: "nothing" };
  const match = header.length > LONGEST ? null : /^(\S+) +(\S+) *$/.exec(header);
  if (match === null) return { kind: "unknown" };
  const [, scheme = "", value = ""] = match;
  if (scheme.toLowerCase() === "bearer") return { kind: "token", token: value };
  return scheme.toLowerCase() === "basic" ? readBasic(value) : { kind: "unknown" };
}

/** RFC 7617: the name ends at the first colon, the password may hold more of them. */
function readBasic(value: string): Presented {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value)) return { kind: "unknown" };
  const text = Buffer.from(value, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return { kind: "unknown" };
  return { kind: "password", username: text.slice(0, colon), password: text.slice(colon + 1) };
}
