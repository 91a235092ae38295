import { familiarReference, parseReference } from "#api/distribution";
import type { ImageInspect, ImageManifestSummary, ImageSummary, OCIDescriptor, OCIPlatform } from "#api/engine";
import type { Descriptor, Platform } from "#api/oci";
import type { Image, ImageHistoryEntry, ManifestSummary } from "#core/images";
import { ZERO_TIME } from "#lib/time";
import { unixSeconds, type Wire } from "./wire.ts";

/** `GET /images/{name}/json`. Fields that later versions dropped are there for the versions that had them. */
export function imageInspect(image: Image, facts: { version: number; storageDriver: string }): Wire<ImageInspect> {
  const { document } = image;
  return {
    Id: image.id,
    ...target(image, facts.version),
    RepoTags: image.tags.map(familiar),
    RepoDigests: image.digests.map(familiar),
    Parent: image.parent ?? "",
    Comment: document.comment ?? document.history?.at(-1)?.comment ?? "",
    ...(document.created !== undefined && { Created: document.created }),
    ...(facts.version < 45 && { ContainerConfig: imageConfig(undefined, facts.version) }),
    DockerVersion: document.docker_version ?? "",
    Author: document.author ?? "",
    Architecture: document.architecture,
    ...(document.variant && { Variant: document.variant }),
    Os: document.os,
    Size: image.sizeBytes,
    ...(facts.version < 44 && { VirtualSize: image.sizeBytes }),
    GraphDriver: { Data: null, Name: facts.storageDriver },
    RootFS: { Type: document.rootfs.type, Layers: [...document.rootfs.diff_ids] },
    Metadata: { LastTagTime: image.lastTagTime ?? ZERO_TIME },
    Config: imageConfig(document.config, facts.version),
  };
}

/** Fields of a container's config that an image has no use for; until 1.50 it had them all the same. */
const CONTAINER_FIELDS = {
  Hostname: "",
  Domainname: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Image: "",
};

export interface ImageSummaryFacts {
  readonly version: number;
  /** -1 where they were not counted. */
  readonly containers: number;
  /** -1 where it was not measured. */
  readonly sharedBytes: number;
}

/** A row of `GET /images/json`. */
export function imageSummary(image: Image, facts: ImageSummaryFacts): Wire<ImageSummary> {
  return {
    Containers: facts.containers,
    Created: unixSeconds(image.document.created),
    Id: image.id,
    Labels: image.document.config?.Labels ?? null,
    ParentId: image.parent ?? "",
    ...target(image, facts.version),
    ...names(image, facts.version),
    SharedSize: facts.sharedBytes,
    Size: image.sizeBytes,
    ...(facts.version < 44 && { VirtualSize: image.sizeBytes }),
  };
}

/** What the name stands for at its registry, for clients that know of such things. */
function target(
  { descriptor, manifests }: Image,
  version: number,
): Pick<Wire<ImageSummary>, "Descriptor" | "Manifests"> {
  return {
    ...(descriptor && version >= 48 && { Descriptor: descriptorView(descriptor) }),
    ...(manifests && version >= 47 && { Manifests: manifests.map(manifestSummary) }),
  };
}

function descriptorView({ mediaType, digest, size, urls, annotations, platform }: Descriptor): Wire<OCIDescriptor> {
  return {
    mediaType,
    digest,
    size,
    ...(urls && { urls: [...urls] }),
    ...(annotations && { annotations }),
    ...(platform && { platform: platformView(platform) }),
  };
}

function platformView(platform: Platform): Wire<OCIPlatform> {
  const { architecture, os, variant } = platform;
  const [version, features] = [platform["os.version"], platform["os.features"]];
  return {
    architecture,
    os,
    ...(version && { "os.version": version }),
    ...(features && { "os.features": [...features] }),
    ...(variant && { variant }),
  };
}

function manifestSummary({ descriptor, isAvailable, contentBytes, kind }: ManifestSummary): Wire<ImageManifestSummary> {
  const unpackedBytes = kind.type === "image" ? kind.unpackedBytes : 0;
  return {
    ID: descriptor.digest,
    Descriptor: descriptorView(descriptor),
    Available: isAvailable,
    Size: { Content: contentBytes, Total: contentBytes + unpackedBytes },
    Kind: kind.type,
    ...(kind.type === "image" && {
      ImageData: {
        Platform: platformView(kind.platform),
        Containers: [...kind.containers],
        Size: { Unpacked: unpackedBytes },
      },
    }),
    ...(kind.type === "attestation" && { AttestationData: { For: kind.of } }),
  };
}

/** Clients of old versions expect a name of every image. */
function names(image: Image, version: number): Pick<Wire<ImageSummary>, "RepoTags" | "RepoDigests"> {
  const nameless = image.tags.length === 0 && image.digests.length === 0;
  if (nameless && version < 43) return { RepoTags: ["<none>:<none>"], RepoDigests: ["<none>@<none>"] };
  const digests = image.digests.map(familiar);
  return { RepoTags: image.tags.map(familiar), RepoDigests: digests.length === 0 && version < 43 ? null : digests };
}

export function historyItem(entry: ImageHistoryEntry): Record<string, unknown> {
  return {
    Comment: entry.comment,
    Created: unixSeconds(entry.created),
    CreatedBy: entry.createdBy,
    Id: entry.id,
    Size: entry.sizeBytes,
    Tags: entry.tags.length === 0 ? null : entry.tags.map(familiar),
  };
}

function familiar(reference: string): string {
  return familiarReference(parseReference(reference));
}

function imageConfig(config: Image["document"]["config"], version: number): Record<string, unknown> {
  return {
    ...(version < 50 && CONTAINER_FIELDS),
    Cmd: config?.Cmd ?? null,
    Entrypoint: config?.Entrypoint ?? null,
    Env: config?.Env ?? null,
    ...(config?.ExposedPorts && { ExposedPorts: config.ExposedPorts }),
    ...(config?.Healthcheck && { Healthcheck: config.Healthcheck }),
    Labels: config?.Labels ?? null,
    OnBuild: config?.OnBuild ?? null,
    ...(config?.Shell && { Shell: config.Shell }),
    ...(config?.StopSignal && { StopSignal: config.StopSignal }),
    User: config?.User ?? "",
    Volumes: config?.Volumes ?? null,
    WorkingDir: config?.WorkingDir ?? "",
  };
}
