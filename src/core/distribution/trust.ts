import { readCertificates } from "./certificates.ts";
import { DOCKER_HUB } from "./endpoint.ts";
import { isInsecure, type ResolveHost } from "./insecure.ts";
import type { RegistrySettings } from "./settings.ts";

/** How far a host is trusted, and how it is shown who we are. */
export interface Trust {
  /** False: its certificate may be anybody's, and it may speak plain HTTP. */
  readonly isSecure: boolean;
  readonly tls: TlsOptions;
}

/** What Bun's `fetch` takes as `tls`. */
export interface TlsOptions {
  readonly ca: string[];
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized: boolean;
}

export interface TrustParts {
  readonly settings: () => RegistrySettings;
  /** `/etc/docker/certs.d` and the like. */
  readonly certificateFolders: readonly string[];
  /** The authorities that this machine trusts, as one PEM text. */
  readonly systemAuthorities: () => string;
  readonly resolveHost: ResolveHost;
}

/** Files are read anew each time, so that a certificate that is put into place counts at once. */
export async function trustOf(host: string, parts: TrustParts): Promise<Trust> {
  const settings = parts.settings();
  const isSecure =
    host === DOCKER_HUB ||
    !(settings.rules.get(host)?.insecure || (await isInsecure(host, settings.insecureRegistries, parts.resolveHost)));
  const { authorities, client } = await readCertificates(parts.certificateFolders, host);
  const ca = [parts.systemAuthorities(), ...authorities];
  const identity = client && { cert: client.certificate, key: client.key };
  return { isSecure, tls: { ca, ...identity, rejectUnauthorized: isSecure } };
}
