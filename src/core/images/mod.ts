/** Images: what they are named, what they consist of, and how they come and go. */
export type { ImagesOptions, ImageUser } from "./context.ts";
export type {
  BuiltinImage,
  DeletedImage,
  HistoryEntry,
  Image,
  ImageDocument,
  ImageHistoryEntry,
  ImageID,
  ImageListOptions,
  Images,
  ImportOptions,
  LocalImages,
  Progress,
} from "./image.ts";
export { createImages } from "./images.ts";
export { parsePlatform } from "./platform.ts";
export { IMAGE_MIGRATIONS } from "./records.ts";
