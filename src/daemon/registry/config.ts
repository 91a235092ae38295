import { parseDocument } from "yaml";
import { EngineError, messageOf } from "#lib/errors";
import { LOG_LEVELS, type LogLevel } from "#lib/log";
import type { AccessSettings, EndpointSettings, RegistrySettings } from "#registry";
import { readAccess } from "./access-config.ts";
import { type Address, parseAddress } from "./address.ts";
import { readNotifications } from "./notification-config.ts";
import { type ProxyConfig, readProxy } from "./proxy-config.ts";
import { readRules } from "./rules-config.ts";
import { complete, SettingsReader } from "./settings-reader.ts";
import { type BucketConfig, readBucket } from "./storage-config.ts";
import { readTls, type TlsConfig } from "./tls-config.ts";

/** All that a registry is told. */
export interface RegistryConfig {
  readonly address: Address;
  readonly root: string;
  /** Where everything is kept instead of in the root. */
  readonly bucket: BucketConfig | undefined;
  /** `https://registry.example`: how clients know it, where that is not how they reach it. */
  readonly url: string | undefined;
  readonly tls: TlsConfig;
  readonly log: { readonly level: LogLevel; readonly format: "text" | "json" };
  readonly access: AccessSettings;
  readonly audit: AuditConfig | undefined;
  readonly settings: RegistrySettings;
  /** Between two passes of the collector and of retention. */
  readonly collectEveryMs: number;
  readonly proxy: ProxyConfig | undefined;
  readonly notifications: readonly EndpointSettings[];
  /** Who may read `/metrics`. */
  readonly metrics: "off" | "loopback" | "everyone";
  readonly limits: { readonly requests: number; readonly idleSeconds: number };
  readonly shutdownTimeoutMs: number;
}

export interface AuditConfig {
  readonly path: string;
  readonly limitBytes: number;
  readonly keep: number;
}

const DEFAULT_ADDRESS = "127.0.0.1:5000";
const DEFAULT_COLLECT_MS = 3600_000;
/** A busy collector would be all that the registry does. */
const LEAST_COLLECT_MS = 1_000;
const DEFAULT_SHUTDOWN_MS = 30_000;
const DEFAULT_LIMITS = { requests: 10_000, idleSeconds: 120 };
/** More than a process has descriptors for. */
const MOST_REQUESTS = 1_000_000;
/** The longest that the server's timers can wait. */
const MOST_IDLE_SECONDS = 255;
const MEGABYTE = 1024 * 1024;

/** Reads YAML or JSON. @throws `invalid-parameter` with the line */
export function parseRegistryFile(text: string): unknown {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new EngineError("invalid-parameter", messageOf(error).trim(), { cause: error });
  return document.toJS() ?? {};
}

/** Gives a document its meaning. @throws `invalid-parameter` with the path of the key that is wrong */
export function readRegistryConfig(document: unknown, defaults: { readonly root?: string } = {}): RegistryConfig {
  return complete(new SettingsReader(document), (reader) => {
    const address = parseAddress(reader.text("addr") ?? DEFAULT_ADDRESS);
    if (address === undefined) throw reader.refuse("addr", "has to be HOST:PORT, such as 0.0.0.0:5000 or [::]:5000");
    const root = reader.path("root") ?? defaults.root;
    if (root === undefined)
      throw reader.refuse("root", "is missing: the folder in which the registry keeps everything");
    return {
      address,
      root,
      bucket: readBucket(reader),
      url: reader.url("url"),
      tls: readTls(reader, address),
      log: {
        level: reader.oneOf("log-level", LOG_LEVELS) ?? "info",
        format: reader.oneOf("log-format", ["text", "json"]) ?? "text",
      },
      access: readAccess(reader),
      audit: reader.object("audit", readAudit),
      ...readStorage(reader),
      proxy: readProxy(reader),
      notifications: readNotifications(reader),
      metrics: reader.oneOf("metrics", ["off", "loopback", "everyone"]) ?? "loopback",
      limits: reader.object("limits", readLimits) ?? DEFAULT_LIMITS,
      shutdownTimeoutMs: reader.durationMs("shutdown-timeout") ?? DEFAULT_SHUTDOWN_MS,
    };
  });
}

function readStorage(reader: SettingsReader): Pick<RegistryConfig, "settings" | "collectEveryMs"> {
  const { collectEveryMs = DEFAULT_COLLECT_MS, ...settings } = readRules(reader);
  if (collectEveryMs < LEAST_COLLECT_MS) throw reader.refuse("gc.interval", "has to be at least 1s");
  return { settings, collectEveryMs };
}

function readAudit(reader: SettingsReader): AuditConfig {
  const path = reader.path("path");
  if (path === undefined) throw reader.refuse("path", "is missing: the file that lines are added to");
  return {
    path,
    limitBytes: reader.bytes("max-size") ?? 100 * MEGABYTE,
    keep: reader.whole("keep", { least: 0, most: 1000 }) ?? 5,
  };
}

function readLimits(reader: SettingsReader): RegistryConfig["limits"] {
  const idleMs = reader.durationMs("idle") ?? DEFAULT_LIMITS.idleSeconds * 1000;
  const idleSeconds = Math.ceil(idleMs / 1000);
  if (idleSeconds < 1 || idleSeconds > MOST_IDLE_SECONDS)
    throw reader.refuse("idle", `has to be from 1s to ${MOST_IDLE_SECONDS}s`);
  return {
    requests: reader.whole("requests", { least: 1, most: MOST_REQUESTS }) ?? DEFAULT_LIMITS.requests,
    idleSeconds,
  };
}
