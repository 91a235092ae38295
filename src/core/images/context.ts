import type { ContentStore } from "#core/content";
import type { Registries } from "#core/distribution";
import type { Events } from "#core/events";
import type { ChainID, Snapshotter } from "#core/snapshots";
import type { SharedWork, Slots } from "#lib/async";
import type { Database } from "#lib/db";
import type { Clock } from "#lib/time";
import type { Workers } from "#lib/workers";
import type { LayerForm } from "./form-records.ts";
import type { ImageID } from "./image.ts";
import type { ImageRecords, StoredLayer } from "./records.ts";

/** What images need from the rest of the engine. */
export interface ImagesOptions {
  readonly database: Database;
  readonly content: ContentStore;
  readonly snapshots: Pick<Snapshotter, "prepareChain" | "preparedParts">;
  readonly events: Pick<Events, "emit">;
  readonly registries: Pick<Registries, "repository" | "settings">;
  readonly clock: Clock;
  /** Do what would hold up the main thread: inflating, hashing, writing layers. */
  readonly workers: Workers;
  /** The containers made from an image. Asked in the same turn as the decision to remove it. */
  readonly containersUsing: (id: ImageID) => readonly ImageUser[];
  /** Told that there may be blobs to collect. */
  readonly garbage: () => void;
  /** What this machine runs, in the words of image-spec: chooses among the platforms of an index. */
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string };
}

export interface ImageUser {
  readonly id: string;
  readonly isRunning: boolean;
}

/** What the verbs share. */
export interface ImagesContext extends Omit<ImagesOptions, "database"> {
  readonly records: ImageRecords;
  readonly transfers: Transfers;
  /** Chains that are being prepared for images not recorded yet: they must not be collected. */
  readonly pendingChains: Map<ChainID, number>;
}

/** What goes on with registries, over all pulls and pushes. */
export interface Transfers {
  readonly downloads: Slots;
  readonly uploads: Slots;
  /** Layers on their way in, by the digest of their compressed form. */
  readonly layers: SharedWork<StoredLayer, LayerProgress>;
  /** Layers that are being compressed, by their diffID. */
  readonly compressions: SharedWork<LayerForm, never>;
}

/** How far a layer is; bytes as the registry has them. */
export type LayerProgress =
  | { readonly phase: "waiting" | "verifying" | "complete" }
  | { readonly phase: "downloading"; readonly current: number };

/** Milliseconds since 1970. */
export function nowMsOf({ clock }: Pick<ImagesContext, "clock">): number {
  return Number(clock.nowNano() / 1_000_000n);
}
