/** Containers: what users asked for, how it becomes a running process, and what is known of how it ended. Start reading at `containers.ts`. */
export type {
  Container,
  ContainerID,
  ContainerState,
  Desired,
  Ended,
  Exec,
  ExecConfig,
  Running,
} from "./container.ts";
export type {
  AttachRequest,
  Change,
  CommitRequest,
  ContainerPaths,
  Containers,
  CreateRequest,
  ExecStart,
  ListQuery,
  LogsRequest,
  PathArchive,
  PathStat,
  PutArchiveOptions,
  StopOptions,
  WaitCondition,
  WaitOutcome,
} from "./containers.ts";
export type { Defaults, Dependencies, OciRuntime } from "./context.ts";
export { type ContainersLifecycle, createContainers } from "./create-containers.ts";
export { Layout } from "./layout.ts";
export { LOG_DRIVERS, validateLogConfig } from "./log-options.ts";
export { containerMigrations } from "./store.ts";
export type { Volume, Volumes } from "./volumes.ts";
