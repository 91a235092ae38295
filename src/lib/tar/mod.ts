/** Tar archives: members with all extensions applied, and headers to write. */
export { TAR_BLOCK, type TarEntry, type TarEntryType, type TarSegment, type TarTime } from "./entry.ts";
export { expandSparse } from "./expand.ts";
export { OutlineWriter, scanOutline } from "./outline.ts";
export { TarPacker } from "./pack.ts";
export { readTar, type TarMember } from "./read.ts";
export { scanTarFile, TarScanner } from "./scan.ts";
export { TAR_END, type TarHeader, tarArchive, tarHeader, tarPadding } from "./write.ts";
