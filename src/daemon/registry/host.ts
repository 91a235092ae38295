import { randomUUID } from "node:crypto";
import { type ProxySettings, proxyFor } from "#core/distribution";
import type { Logger } from "#lib/log";
import { systemClock } from "#lib/time";
import { registriesOfHost } from "../registries.ts";
import type { Release } from "../release.ts";
import type { RegistryHost } from "./start-registry.ts";

/** This process and machine, as a registry needs them. */
export function registryHost(parts: {
  readonly release: Release;
  readonly log: Logger;
  readonly proxies: ProxySettings;
}): RegistryHost {
  const { release, log, proxies } = parts;
  const clock = systemClock();
  return {
    clock,
    log,
    version: release.version,
    newId: () => randomUUID(),
    verifyPassword: (password, hash) => Bun.password.verify(password, hash),
    fetch: (url, init) => {
      const proxy = proxyFor(new URL(url), proxies);
      return fetch(url, { ...init, ...(proxy !== undefined && { proxy }) });
    },
    reach: { registries: (settings) => registriesOfHost({ settings, clock, release }), proxies },
  };
}
