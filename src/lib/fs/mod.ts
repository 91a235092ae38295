/** Files: names as bytes, writes that are whole or absent, failures of system calls as EngineErrors. */
export { type ByteString, byteString, byteStringFrom, bytesOf, textOf } from "./byte-string.ts";
export { buildAtomic, DirectorySync, publish, syncDirectory, TEMPORARY_SUFFIX, writeAtomic } from "./durable.ts";
export { errnoOf, fileError, isAbsent } from "./errno.ts";
export { fileSize } from "./file-size.ts";
export { pathParts, type ResolvedPath, resolvePath, type Walkable } from "./resolve-path.ts";
export { Trash, type TrashOptions } from "./trash.ts";
