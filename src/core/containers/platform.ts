import type { Platform } from "#api/oci";
import { type Image, parsePlatform } from "#core/images";
import type { HostFacts } from "#core/runtime";
import { EngineError } from "#lib/errors";
import type { CreateRequest } from "./containers.ts";

/** @throws `not-found` when the request demands another platform than the image's, so that clients pull the right one */
export function checkPlatform(
  { document }: Image,
  { platform, config }: Pick<CreateRequest, "platform" | "config">,
  host: HostFacts["architecture"],
): void {
  if (platform === "") return;
  const wanted = parsePlatform(platform, hostPlatform(host));
  const held = parsePlatform(platformText(document), hostPlatform(host));
  if (platformText(wanted) === platformText(held)) return;
  throw new EngineError(
    "not-found",
    `image with reference ${config.Image} was found but its platform (${platformText(held)}) ` +
      `does not match the specified platform (${platformText(wanted)})`,
  );
}

function hostPlatform(architecture: HostFacts["architecture"]): Platform {
  return { os: "linux", architecture: architecture === "x86_64" ? "amd64" : "arm64" };
}

function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant ? [variant] : [])].join("/");
}
