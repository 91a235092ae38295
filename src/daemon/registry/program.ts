import { readFile } from "node:fs/promises";
import { EngineError, messageOf } from "#lib/errors";
import { fileError } from "#lib/fs";
import { createLogger, type Logger } from "#lib/log";
import { takeProxies } from "../registry-settings.ts";
import type { Release } from "../release.ts";
import { untilToldToEnd } from "../shutdown.ts";
import { formatAddress } from "./address.ts";
import { parseRegistryFile, type RegistryConfig, readRegistryConfig } from "./config.ts";
import { registryHost } from "./host.ts";
import { saveAccount } from "./save-account.ts";
import { collectOnce, type RunningRegistry, startRegistry } from "./start-registry.ts";
import { trustAdvice } from "./trust-advice.ts";

/** What is said on the command line; it goes before what the file says. Empty texts say nothing. */
export interface RegistryFlags {
  readonly config: string;
  readonly addr: string;
  readonly root: string;
  readonly tls: string;
  readonly htpasswd: string;
  readonly anonymous: string;
  readonly "log-level": string;
}

/** The registry as a program of its own: `tug registry …`. */
export interface RegistryProgram {
  /** Serves until a signal ends it. */
  serve(flags: RegistryFlags): Promise<void>;
  /** @throws `invalid-parameter` for a configuration that is wrong */
  validate(flags: RegistryFlags): Promise<void>;
  /** Collects garbage of a registry that does not run. */
  collect(flags: RegistryFlags): Promise<Collected>;
  /** Adds an account to a password file, or changes or removes it (no password). */
  saveAccount(
    path: string,
    account: { readonly username: string; readonly password: string | undefined },
  ): Promise<void>;
}

/** How much was removed. */
export interface Collected {
  readonly tags: number;
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly uploads: number;
}

export function registryProgram(release: Release): RegistryProgram {
  return {
    serve: (flags) => serve(flags, release),
    validate: async (flags) => void (await loadConfig(flags)),
    collect: (flags) => collect(flags, release),
    saveAccount,
  };
}

async function serve(flags: RegistryFlags, release: Release): Promise<void> {
  const config = await loadConfig(flags);
  const log = loggerOf(config);
  process.on("uncaughtException", (error) => log.error("uncaught exception", { stack: error.stack }));
  process.on("unhandledRejection", (error) =>
    log.error("unhandled rejection", { stack: (error as Error)?.stack ?? String(error) }),
  );
  await using registry = await startRegistry(config, registryHost({ release, log, proxies: takeProxies(process.env) }));
  const scheme = registry.isSecure ? "https" : "http";
  log.info("registry serves", { address: `${scheme}://${formatAddress(registry.address)}`, root: config.root });
  if (registry.authority !== undefined) process.stderr.write(trustAdvice(registry.authority, config, registry.address));
  process.on("SIGUSR2", () => void registry.collect());
  await untilToldToEnd({
    reload: () => void reload(registry, { flags, log }),
    onSignal: (signal) => log.info("registry ends: requests at work are answered", { signal }),
  });
}

/** A configuration that is wrong changes nothing. */
async function reload(registry: RunningRegistry, { flags, log }: { flags: RegistryFlags; log: Logger }): Promise<void> {
  try {
    const config = await loadConfig(flags);
    await registry.reload(config);
    log.level = config.log.level;
    log.info("configuration reloaded: certificates, accounts, tokens, rules, log level");
  } catch (error) {
    log.error("configuration not reloaded", { error: messageOf(error) });
  }
}

async function collect(flags: RegistryFlags, release: Release): Promise<Collected> {
  const config = await loadConfig(flags);
  return await collectOnce(config, registryHost({ release, log: loggerOf(config), proxies: takeProxies(process.env) }));
}

/** @throws `invalid-parameter` naming the file and the key */
async function loadConfig(flags: RegistryFlags): Promise<RegistryConfig> {
  const path = flags.config;
  if (path === "") return readRegistryConfig(withFlags({}, flags));
  try {
    return readRegistryConfig(withFlags(parseRegistryFile(await readFile(path, "utf8")), flags));
  } catch (error) {
    const reason = fileError("read", error);
    throw new EngineError("invalid-parameter", `registry configuration "${path}": ${messageOf(reason)}`, {
      cause: error,
    });
  }
}

function withFlags(document: unknown, flags: RegistryFlags): unknown {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return document;
  const { access, ...rest } = document as Record<string, unknown>;
  const said = (names: readonly (keyof RegistryFlags)[]) =>
    Object.fromEntries(names.flatMap((name) => (flags[name] === "" ? [] : [[name, flags[name]]])));
  const saidOfAccess = said(["htpasswd", "anonymous"]);
  const hasAccess = access !== undefined || Object.keys(saidOfAccess).length > 0;
  return {
    ...rest,
    ...said(["addr", "root", "tls", "log-level"]),
    ...(hasAccess && { access: { ...(access as object), ...saidOfAccess } }),
  };
}

function loggerOf({ log }: RegistryConfig): Logger {
  return createLogger({ ...log, now: () => new Date(), write: (line) => void process.stderr.write(line) });
}
