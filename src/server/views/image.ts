import { familiarReference, parseReference } from "#api/distribution";
import type { ImageInspect, ImageSummary } from "#api/engine";
import type { Image, ImageHistoryEntry } from "#core/images";
import { unixSeconds, type Wire, ZERO_TIME } from "./wire.ts";

/** `GET /images/{name}/json`. Fields that later versions dropped are there for the versions that had them. */
export function imageInspect(image: Image, facts: { version: number; storageDriver: string }): Wire<ImageInspect> {
  const { document } = image;
  return {
    Id: image.id,
    RepoTags: image.tags.map(familiar),
    RepoDigests: image.digests.map(familiar),
    Parent: "",
    Comment: document.comment ?? document.history?.at(-1)?.comment ?? "",
    ...(document.created !== undefined && { Created: document.created }),
    ...(facts.version < 45 && { Container: "", ContainerConfig: imageConfig(undefined) }),
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
    Config: imageConfig(document.config),
  };
}

/** `containers` and `sharedBytes` are -1 where they were not counted. */
export function imageSummary(
  image: Image,
  facts: { version: number; containers: number; sharedBytes: number },
): Wire<ImageSummary> {
  return {
    Containers: facts.containers,
    Created: unixSeconds(image.document.created),
    Id: image.id,
    Labels: image.document.config?.Labels ?? null,
    ParentId: "",
    RepoDigests: facts.version < 43 && image.digests.length === 0 ? null : image.digests.map(familiar),
    RepoTags: facts.version < 43 && image.tags.length === 0 ? ["<none>:<none>"] : image.tags.map(familiar),
    SharedSize: facts.sharedBytes,
    Size: image.sizeBytes,
    ...(facts.version < 44 && { VirtualSize: image.sizeBytes }),
  };
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

function imageConfig(config: Image["document"]["config"]): Record<string, unknown> {
  return {
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
