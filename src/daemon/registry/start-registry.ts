import { join } from "node:path";
import { messageOf } from "#lib/errors";
import type { Logger } from "#lib/log";
import type { Clock } from "#lib/time";
import {
  AuditLog,
  auditRecord,
  createHandler,
  createMetrics,
  createRegistry,
  listen,
  openAccess,
  openNotifier,
  type Registry,
  type SharedFiles,
  watchAccess,
} from "#registry";
import { lockFolder } from "../data-root-lock.ts";
import { type Address, formatAddress, isLoopback } from "./address.ts";
import { readCertificate, type ServedCertificate } from "./certificate.ts";
import type { RegistryConfig } from "./config.ts";
import { metricSources } from "./metric-sources.ts";
import { openProxy } from "./open-proxy.ts";
import { openStorage } from "./open-storage.ts";
import { Upkeep } from "./upkeep.ts";
import type { Reach } from "./upstream-source.ts";

/** What a registry needs of the process it runs in. */
export interface RegistryHost {
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
  newId(): string;
  verifyPassword(password: Uint8Array, hash: string): Promise<boolean>;
  fetch(url: string, init: RequestInit): Promise<Response>;
  readonly reach: Reach;
  /** Files of a daemon beside it, which need not be stored again. */
  readonly shared?: SharedFiles;
}

/** A registry that serves. Disposing of it lets requests end for the time that is configured. */
export interface RunningRegistry extends AsyncDisposable {
  readonly address: Address;
  readonly isSecure: boolean;
  readonly authority: ServedCertificate["authority"];
  /**
   * Takes over what may change while it runs: certificates, accounts, tokens and rules; the audit log is opened anew. Everything else
   * waits for the next start. @throws what is wrong; nothing has changed then
   */
  reload(config: RegistryConfig): Promise<void>;
  /** One pass of the collector. */
  collect(): Promise<void>;
}

/** A certificate of our own is looked at so often, long before it ends. */
const _CERTIFICATE_CHECK_MS = 12 * 3600_000;

/** Builds a registry from its storage to its socket, top to bottom, and serves. */
export async function startRegistry(config: RegistryConfig, host: RegistryHost): Promise<RunningRegistry> {
  const { clock, log, newId } = host;
  const { root } = config;
  await using stack = new AsyncDisposableStack();
  const report = (what: string) => (error: unknown) => log.error(what, { error: messageOf(error) });

  // What it keeps.
  stack.use(lockRoot(root));
  const storage = stack.use(await openStorage(config, host));

  // Who may do what, and who is told.
  const nowDate = () => new Date(Number(clock.nowNano() / 1_000_000n));
  const accessParts = {
    root,
    url: config.url,
    clock,
    newId,
    verifyPassword: host.verifyPassword,
    report: report("password file could not be read again"),
  };
  let open = await openAccess(config.access, accessParts);
  const access = watchAccess({ authorize: (...request) => open.access.authorize(...request) });
  const audit =
    config.audit && stack.use(await AuditLog.open({ ...config.audit, report: report("audit log cannot be written") }));
  const served = await readCertificate(config, nowDate);
  const url = config.url ?? `${served ? "https" : "http"}://${formatAddress(config.address)}`;
  const notifier = await openNotifier({
    root: join(root, "notifications"),
    endpoints: config.notifications,
    source: { url, instanceId: newId() },
    clock,
    log,
    fetch: host.fetch,
  });
  stack.defer(() => notifier.close(config.shutdownTimeoutMs));

  // The registry itself, and others behind it.
  const proxy =
    config.proxy && stack.use(await openProxy(config.proxy, { root, host, content: () => registry.content })).proxy;
  const registry: Registry = createRegistry({
    ...storage,
    access,
    notify: notifier,
    settings: config.settings,
    clock,
    log,
    newId,
    ...(proxy && { upstream: proxy }),
  });
  const limitBytes = config.proxy?.limitBytes;
  const cache = proxy && limitBytes !== undefined ? { proxy, limitBytes } : undefined;
  const upkeep = new Upkeep({ registry, cache, everyMs: config.collectEveryMs, clock, log });
  stack.defer(() => upkeep.close());

  // What is seen from outside.
  const metrics = createMetrics(
    metricSources({
      storage,
      upkeep,
      notifier,
      proxy,
      clock,
      requests: () => listener.requests,
      version: host.version,
    }),
  );
  const isShown = (address: string) =>
    config.metrics === "everyone" || (config.metrics === "loopback" && isLoopback(address));
  const handle = createHandler({
    registry,
    access,
    tokens: (request, peer) => open.tokens?.(request, peer),
    health: async () => {
      try {
        await storage.manifests.durable();
        return {};
      } catch (error) {
        return { storage: messageOf(error) };
      }
    },
    metrics: async ({ address }) => (isShown(address) ? await metrics.render() : undefined),
    observers: [
      metrics.observe,
      (exchange) => {
        const record = audit && auditRecord(exchange, nowDate());
        if (record !== undefined) audit?.add(record);
      },
    ],
    clock,
  });
  const listener = await listen({
    ...config.address,
    ...(served && { tls: served.files }),
    mostRequests: config.limits.requests,
    idleSeconds: config.limits.idleSeconds,
    handle,
    report: report("request failed"),
  });
  stack.defer(() => listener.close(config.shutdownTimeoutMs));
  upkeep.start();
  const owned = stack.move();
  return {
    address: { hostname: listener.hostname, port: listener.port },
    isSecure: served !== undefined,
    authority: served?.authority,
    collect: () => upkeep.run(),
    reload: async (next) => {
      const certificate = await readCertificate(next, nowDate);
      open = await openAccess(next.access, accessParts);
      if (certificate !== undefined && served !== undefined) listener.replaceTls(certificate.files);
      audit?.reopen();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * One pass of the collector over a registry that does not run; one that does collects by itself.
 *
 * @throws `conflict` when it runs
 */
export async function collectOnce(config: RegistryConfig, host: RegistryHost) {
  const { clock, log, newId } = host;
  const { root, settings } = config;
  using _lock = lockRoot(root);
  await using storage = await openStorage(config, host);
  const nobody = {
    access: { authorize: () => ({ principal: { name: undefined } }) },
    notify: { emit: () => undefined },
  };
  const registry = createRegistry({ ...storage, ...nobody, settings, clock, log, newId });
  const { tags } = await registry.retain();
  return { ...(await registry.collect({ sweep: true })), tags: tags.length };
}

function lockRoot(root: string): Disposable {
  return lockFolder(root, `registry root "${root}" is in use by a registry: stop it or give another root`);
}
