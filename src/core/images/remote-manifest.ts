import { parseReference, repositoryOf, withDefaultTag } from "#api/distribution";
import type { Descriptor, Digest, Platform } from "#api/oci";
import { JsonValue } from "./archive/json.ts";
import type { ImagesContext } from "./context.ts";
import type { Images, RemoteManifest } from "./image.ts";
import { parseManifest } from "./manifest-document.ts";
import { fetchConfig } from "./pull-manifest.ts";

/** What a registry says of a name: the descriptor of what it stands for, and the platforms that are in it. */
export async function remoteManifest(
  context: ImagesContext,
  text: string,
  { credentials, signal }: Parameters<Images["remoteManifest"]>[1],
): Promise<RemoteManifest> {
  const reference = withDefaultTag(parseReference(text));
  const repository = context.registries.repository(repositoryOf(reference), {
    action: "pull",
    ...(credentials ? { credentials } : {}),
  });
  const wanted = reference.digest ?? reference.tag;
  const { descriptor, bytes } = await repository.manifest(wanted as Digest, signal);
  const document = parseManifest(bytes, descriptor.mediaType);
  if (document.kind === "index") {
    return { descriptor, platforms: document.entries.flatMap(({ platform }: Descriptor) => platform ?? []) };
  }
  const config = await fetchConfig({ repository, signal }, document.config);
  return { descriptor, platforms: [platformOf(config)] };
}

/** Artifacts have configs that are no documents, or say nothing of a platform. */
function platformOf(config: Uint8Array): Platform {
  const document = JsonValue.parse(config, "image config");
  const text = (name: string) => document.get(name).optionalString();
  const [variant, osVersion] = [text("variant"), text("os.version")];
  return {
    architecture: text("architecture") ?? "",
    os: text("os") ?? "",
    ...(variant ? { variant } : {}),
    ...(osVersion ? { "os.version": osVersion } : {}),
  };
}
