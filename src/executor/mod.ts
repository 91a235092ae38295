/** The only code that starts `tug-exec`: ops, how they are encoded, and who runs them. */
export type * from "./executor.ts";
export { encodeDevice, encodeNumbers, encodeXattrs, FILE_TYPES } from "./object-fields.ts";
export type * from "./ops.ts";
export { createProcessExecutor, type ProcessExecutorOptions } from "./process-executor.ts";
export { RecordingExecutor } from "./recording-executor.ts";
export { readExitRecord } from "./records.ts";
export type { TreeEntry } from "./tree.ts";
