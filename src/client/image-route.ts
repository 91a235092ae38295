/** `os[/arch[/variant]]` in the object form that newer routes want. */
export interface PlatformQuery {
  readonly os: string;
  readonly architecture?: string;
  readonly variant?: string;
}

/** Names keep their slashes: the engine's routes match greedily. */
export function imageRoute(image: string, verb = ""): string {
  const escaped = image.split("/").map(encodeURIComponent).join("/");
  return `/images/${escaped}${verb === "" ? "" : `/${verb}`}`;
}

export function platformQuery(platform: PlatformQuery | undefined): string | undefined {
  return platform === undefined ? undefined : JSON.stringify(platform);
}
