/** Images: what they are named, what they consist of, and how they come and go. */
export { applyChanges } from "./changes/apply.ts";
export type { ImagesOptions, ImageUser } from "./context.ts";
export { createImageExplorer, type ImageExplorer } from "./explore/explorer.ts";
export type {
  BuiltinImage,
  CommitOptions,
  DeletedImage,
  HistoryEntry,
  Image,
  ImageDiskUsage,
  ImageDocument,
  ImageGetOptions,
  ImageHistoryEntry,
  ImageID,
  ImageListOptions,
  ImageRemoveOptions,
  Images,
  ImportOptions,
  LocalImages,
  ManifestSummary,
  Progress,
  PullOptions,
  PushOptions,
  RemoteManifest,
} from "./image.ts";
export { createImages } from "./images.ts";
export { IMAGE_JOBS } from "./jobs.ts";
export { IMAGE_MIGRATIONS } from "./migrations.ts";
export { formatPlatform, parsePlatform, platformRank, platformText } from "./platform.ts";
