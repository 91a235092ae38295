/** How registries are reached, as the administrator says. Hosts are written `host` or `host:port`, as in references. */
export interface RegistrySettings {
  /** Addresses that Docker Hub is tried at first: `https://mirror.example/`. */
  readonly mirrors: readonly string[];
  /** Hosts and networks (`10.0.0.0/8`) that may speak HTTP or have certificates of nobody. Loopback always may. */
  readonly insecureRegistries: readonly string[];
  /** Rules by the host of a registry. */
  readonly rules: ReadonlyMap<string, RegistryRule>;
  readonly proxies: ProxySettings;
  /** Blobs at once, over all pulls. */
  readonly maxConcurrentDownloads: number;
  /** Blobs at once, over all pushes. */
  readonly maxConcurrentUploads: number;
  /** How often one request or one blob is tried before it has failed. */
  readonly maxDownloadAttempts: number;
}

export interface RegistryRule {
  /** Tried in this order before the registry itself. */
  readonly mirrors: readonly string[];
  /** The first whose `from` begins the repository's path puts `to` in its place, at the registry and at its mirrors. */
  readonly rewrite: readonly { readonly from: string; readonly to: string }[];
  readonly insecure: boolean;
}

export interface ProxySettings {
  /** Address of the proxy for `http://` addresses; empty: none. */
  readonly http: string;
  readonly https: string;
  /** Comma-separated hosts, domains, addresses and networks that are reached without; `*` for all. */
  readonly no: string;
}

export const DEFAULT_REGISTRY_SETTINGS: RegistrySettings = {
  mirrors: [],
  insecureRegistries: [],
  rules: new Map(),
  proxies: { http: "", https: "", no: "" },
  maxConcurrentDownloads: 3,
  maxConcurrentUploads: 5,
  maxDownloadAttempts: 5,
};
