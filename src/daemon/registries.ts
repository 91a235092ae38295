import { lookup } from "node:dns/promises";
import { getCACertificates } from "node:tls";
import { createRegistries, type Registries, type RegistrySettings } from "#core/distribution";
import type { Clock } from "#lib/time";
import type { Release } from "./release.ts";

/** Docker's own, so that a machine that has had Docker needs no new files, and tug's. */
const CERTIFICATE_FOLDERS = ["/etc/tug/certs.d", "/etc/docker/certs.d"];

interface RegistryHostParts {
  readonly settings: () => RegistrySettings;
  readonly clock: Clock;
  readonly release: Release;
}

/** Registries as this machine reaches them. */
export function registriesOfHost({ settings, clock, release }: RegistryHostParts): Registries {
  return createRegistries({
    settings,
    clock,
    fetch: (url, init) => fetch(url, init),
    random: () => Math.random(),
    certificateFolders: CERTIFICATE_FOLDERS,
    systemAuthorities: once(readAuthorities),
    resolveHost,
    userAgent: `tug/${release.version} (linux)`,
  });
}

/** Those of the machine, else, on one without any, those that the runtime brings. */
function readAuthorities(): string {
  const system = getCACertificates("system");
  return (system.length > 0 ? system : getCACertificates("bundled")).join("\n");
}

async function resolveHost(hostname: string): Promise<string[]> {
  try {
    return (await lookup(hostname, { all: true })).map(({ address }) => address);
  } catch {
    // The connection will say why.
    return [];
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
