import { join } from "node:path";
import type { Logger } from "#lib/log";
import type { Clock } from "#lib/time";
import {
  AuditLog,
  createRegistry,
  listen,
  openNotifier,
  type PullThrough,
  type Registry,
  type SharedFiles,
} from "#registry";
import { lockFolder } from "../data-root-lock.ts";
import { type Address, formatAddress } from "./address.ts";
import { readCertificate, type ServedCertificate } from "./certificate.ts";
import type { RegistryConfig } from "./config.ts";
import { createFront } from "./create-front.ts";
import { metricSources } from "./metric-sources.ts";
import { dateOf, openDoors } from "./open-doors.ts";
import { openProxy } from "./open-proxy.ts";
import { openStorage } from "./open-storage.ts";
import { Renewal } from "./renewal.ts";
import { reporter } from "./reporter.ts";
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

/** Certificates are read so often, which is also when one of our own is made anew, long before it ends. */
const CERTIFICATE_CHECK_MS = 12 * 3600_000;

/** Builds a registry from its storage to its socket, top to bottom, and serves. */
export async function startRegistry(config: RegistryConfig, host: RegistryHost): Promise<RunningRegistry> {
  const { clock, log, newId } = host;
  const { root, settings, shutdownTimeoutMs } = config;
  await using stack = new AsyncDisposableStack();

  // What it keeps.
  stack.use(lockRoot(root));
  const storage = stack.use(await openStorage(config, host));

  // Who may do what, and who is told.
  const doors = await openDoors(config, host);
  const audit =
    config.audit && stack.use(await AuditLog.open({ ...config.audit, report: reporter(log, "write audit log") }));
  const notifier = await openNotifier({
    root: join(root, "notifications"),
    endpoints: config.notifications,
    source: { url: urlOf(config), instanceId: newId() },
    clock,
    log,
    fetch: host.fetch,
  });
  stack.defer(() => notifier.close(shutdownTimeoutMs));

  // The registry itself, and others behind it.
  const content = () => registry.content;
  const proxy = config.proxy && stack.use(await openProxy(config.proxy, { root, host, content })).proxy;
  const registry: Registry = createRegistry({
    ...storage,
    access: doors.access,
    notify: notifier,
    settings,
    clock,
    log,
    newId,
    ...(proxy && { upstream: proxy }),
  });
  const upkeep = stack.use(
    new Upkeep({ registry, cache: cacheOf(config, proxy), everyMs: config.collectEveryMs, clock, log }),
  );

  // What is seen from outside.
  const requests = () => listener.requests;
  const sources = metricSources({ storage, upkeep, notifier, proxy, clock, requests, version: host.version });
  const certificate = await readCertificate(config, () => dateOf(clock));
  const listener = await listen({
    ...config.address,
    ...(certificate && { tls: certificate.files }),
    mostRequests: config.limits.requests,
    idleSeconds: config.limits.idleSeconds,
    handle: createFront({ registry, doors, audit, sources, storage, clock, shows: config.metrics }),
    report: reporter(log, "answer request"),
  });
  stack.defer(() => listener.close(shutdownTimeoutMs));
  const renewal = stack.use(new Renewal({ listener, served: certificate, clock, everyMs: CERTIFICATE_CHECK_MS, log }));
  renewal.start(config);
  upkeep.start();
  const owned = stack.move();
  return {
    address: { hostname: listener.hostname, port: listener.port },
    isSecure: certificate !== undefined,
    authority: certificate?.authority,
    collect: () => upkeep.run(),
    reload: async (next) => {
      const enter = await doors.prepare(next.access);
      await renewal.take(next);
      enter();
      audit?.reopen();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** How clients know it, as far as we do. */
function urlOf({ url, tls, address }: RegistryConfig): string {
  return url ?? `${tls.mode === "off" ? "http" : "https"}://${formatAddress(address)}`;
}

function cacheOf({ proxy: config }: RegistryConfig, proxy: PullThrough | undefined) {
  return proxy && config?.limitBytes !== undefined ? { proxy, limitBytes: config.limitBytes } : undefined;
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
