import type { Platform } from "#api/oci";
import { formatPlatform, type Image, parsePlatform, platformRank, platformText } from "#core/images";
import type { HostFacts } from "#core/runtime";
import { EngineError, messageOf } from "#lib/errors";
import type { CreateRequest } from "./containers.ts";
import type { Context } from "./context.ts";

type Architecture = HostFacts["architecture"];

/**
 * The image of a request, for the platform that it demands, if any.
 *
 * @throws `not-found` when the name is none, or has no image for that platform, so that clients pull the right one
 */
export async function imageFor(
  { images, host }: Pick<Context, "images" | "host">,
  { platform, config }: Pick<CreateRequest, "platform" | "config">,
): Promise<Image> {
  const wanted = platform === "" ? {} : { platform: parsePlatform(platform, hostPlatform(host.architecture)) };
  return await images.get(config.Image ?? "", wanted);
}

/** dockerd's warning of an image for another machine, which it gives to whoever did not ask for that platform. */
export function platformWarnings(
  { document }: Image,
  { platform }: Pick<CreateRequest, "platform">,
  architecture: Architecture,
): string[] {
  if (platform !== "" || document.architecture === "" || runsOn(document, architecture)) return [];
  const [held, host] = [formatPlatform(document), formatPlatform(hostPlatform(architecture))];
  return [
    `The requested image's platform (${held}) does not match the detected host platform (${host}) and no specific platform was requested`,
  ];
}

/** What "exec format error" means: the kernel knows no way to run the program. Other failures are left as they are. */
export function explainExecFormat(cause: unknown, image: Image | undefined, architecture: Architecture): unknown {
  if (!/exec format error/i.test(messageOf(cause))) return cause;
  const data = cause instanceof EngineError ? cause.data : {};
  const hint = image && !runsOn(image.document, architecture) ? foreignHint(image, architecture) : NATIVE_HINT;
  return new EngineError("invalid-parameter", `${messageOf(cause)}: ${hint}`, { cause, data });
}

const NATIVE_HINT = "it is neither a program for this machine nor a script that begins with #! and an interpreter";

function foreignHint({ document }: Image, architecture: Architecture): string {
  return (
    `the image is for ${formatPlatform(document)} and this machine is ${formatPlatform(hostPlatform(architecture))}: ` +
    `register an emulator with binfmt_misc (Debian: apt install qemu-user-binfmt), or take an image for this machine`
  );
}

function runsOn(document: Image["document"], architecture: Architecture): boolean {
  return platformRank(platformText(document), hostPlatform(architecture)) !== undefined;
}

function hostPlatform(architecture: Architecture): Platform {
  return { os: "linux", architecture: architecture === "x86_64" ? "amd64" : "arm64" };
}
