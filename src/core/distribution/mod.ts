/** The client of registries: pull, push, login and search over the distribution protocol. */
export type {
  Credentials,
  FetchedManifest,
  LoginResult,
  OutgoingBlob,
  PushOptions,
  Registries,
  RemoteRepository,
  RepositoryOptions,
  SearchOptions,
  SearchResult,
} from "./distribution.ts";
export { isHost as isRegistryHost, parseInsecureRegistry } from "./insecure.ts";
export { type ManifestPlacement, placeManifest } from "./place-manifest.ts";
export { proxyFor } from "./proxy.ts";
export { createRegistries, type RegistriesParts } from "./registries.ts";
export { DEFAULT_REGISTRY_SETTINGS, type ProxySettings, type RegistryRule, type RegistrySettings } from "./settings.ts";
