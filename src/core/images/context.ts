import type { ContentStore } from "#core/content";
import type { Events } from "#core/events";
import type { ChainID, Snapshotter } from "#core/snapshots";
import type { Database } from "#lib/db";
import type { Clock } from "#lib/time";
import type { ImageID } from "./image.ts";
import type { ImageRecords } from "./records.ts";

/** What images need from the rest of the engine. */
export interface ImagesOptions {
  readonly database: Database;
  readonly content: ContentStore;
  readonly snapshots: Pick<Snapshotter, "prepareChain">;
  readonly events: Pick<Events, "emit">;
  readonly clock: Clock;
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
  /** Chains that are being prepared for images not recorded yet: they must not be collected. */
  readonly pendingChains: Map<ChainID, number>;
}
