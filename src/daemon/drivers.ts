import { createErofsSnapshotter, createOverlaySnapshotter, createVfsSnapshotter } from "#core/snapshots";

/** The storage drivers by name. */
export const drivers = {
  erofs: createErofsSnapshotter,
  overlay: createOverlaySnapshotter,
  vfs: createVfsSnapshotter,
} as const;

export type DriverName = keyof typeof drivers;
