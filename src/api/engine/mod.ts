/** The Docker Engine API: types of version 1.51, generated from its swagger file, and the check of request bodies. */

export { decodeBody, type Shape, type StructShape } from "./decode.ts";
export type * from "./explore.ts";
export {
  decodePathStat,
  encodePathStat,
  goFileMode,
  isGoDirectory,
  isGoSymlink,
  PATH_STAT_HEADER,
  type PathStat,
} from "./path-stat.ts";
export { progressText } from "./progress.ts";
export { BODY_SHAPES } from "./shapes.ts";
export type * from "./types.ts";
