import type { Volume as VolumeDocument } from "#api/engine";
import type { Volume } from "#core/containers";
import type { Wire } from "./wire.ts";

export function volumeView({ name, path, createdAt, labels }: Volume): Wire<VolumeDocument> {
  return {
    // Whole seconds, as Docker.
    CreatedAt: createdAt.toISOString().replace(/\.\d+/, ""),
    Driver: "local",
    Labels: labels,
    Mountpoint: path,
    Name: name,
    Options: null,
    Scope: "local",
  };
}
