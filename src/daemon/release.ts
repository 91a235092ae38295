/** What this executable is; told by whoever built it. */
export interface Release {
  readonly version: string;
  /** Empty: not known. */
  readonly commit: string;
}
