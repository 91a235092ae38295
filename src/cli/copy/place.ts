/** One side of a copy: a path of this machine, or of a container or an image. */
export type Place =
  | { readonly kind: "local"; readonly path: string }
  | { readonly kind: "remote"; readonly name: string; readonly path: string };

/**
 * Reads `CONTAINER:PATH`, `IMAGE:/PATH` or a path of this machine. A path of an image is absolute, so that the colons of
 * ports, tags and digests are not taken for its own. A local path with a colon is written with `./` before it.
 */
export function parsePlace(text: string): Place {
  const colon = text.includes(":/") ? text.indexOf(":/") : text.indexOf(":");
  if (colon <= 0 || /^[./]/.test(text)) return { kind: "local", path: text };
  return { kind: "remote", name: text.slice(0, colon), path: text.slice(colon + 1) };
}

/** Whether a name can be no container's: it has a registry, a tag or a digest. */
export function namesImage(name: string): boolean {
  return /[:/@]/.test(name);
}
