/** EROFS images that hold only metadata and point into other files for content: written, and read without a mount. */
export type {
  DataFile,
  DeviceInode,
  DirectoryInode,
  FifoInode,
  FileData,
  FileInode,
  Inode,
  SymlinkInode,
} from "./inode.ts";
export { type ErofsImage, type ErofsStat, type Extent, openErofs, readErofsTags } from "./read.ts";
export { writeErofs } from "./write.ts";
