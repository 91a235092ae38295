/** What is said of a registry on the command line; empty texts say nothing. */
export interface RegistryFlags {
  readonly config: string;
  readonly addr: string;
  readonly root: string;
  readonly tls: string;
  readonly htpasswd: string;
  readonly anonymous: string;
  readonly "log-level": string;
}

/**
 * tug as a registry. It is no client of an engine, and so no part of the command line, which starts it: whoever runs the command line
 * provides it.
 */
export interface RegistryProgram {
  /** Serves until a signal ends it. */
  serve(flags: RegistryFlags): Promise<void>;
  /** @throws `invalid-parameter` for a configuration that is wrong */
  validate(flags: RegistryFlags): Promise<void>;
  /** Collects garbage of a registry that does not run. @throws `conflict` when it runs */
  collect(flags: RegistryFlags): Promise<{
    readonly tags: number;
    readonly manifests: number;
    readonly blobs: number;
    readonly bytes: number;
    readonly uploads: number;
  }>;
  /** Adds an account to a password file, or changes it, or without a password removes it. */
  saveAccount(
    path: string,
    account: { readonly username: string; readonly password: string | undefined },
  ): Promise<void>;
}
