import { join } from "node:path";
import { openDatabase } from "#lib/db";
import { messageOf } from "#lib/errors";
import {
  BlobFetches,
  CacheRecords,
  createPullThrough,
  PROXY_MIGRATIONS,
  type PullThrough,
  type RegistryContent,
} from "#registry";
import type { ProxyConfig, UpstreamConfig } from "./proxy-config.ts";
import { readSecret } from "./read-secret.ts";
import type { RegistryHost } from "./start-registry.ts";
import { createUpstreamSource } from "./upstream-source.ts";

/** A pull-through cache over the registries of the configuration. */
export async function openProxy(
  config: ProxyConfig,
  parts: { readonly root: string; readonly host: RegistryHost; content(): RegistryContent },
): Promise<{ readonly proxy: PullThrough } & Disposable> {
  const { root, host, content } = parts;
  const { clock, log, newId } = host;
  const routes = await Promise.all(
    config.upstreams.map(async (upstream) => {
      const source = createUpstreamSource({ ...upstream, password: await readPassword(upstream) }, host.reach);
      return { prefix: upstream.prefix, ttlMs: upstream.ttlMs, source };
    }),
  );
  const fetches = await BlobFetches.open({
    folder: join(root, "proxy"),
    routes,
    store: ({ repository, digest }, source) => content().putBlob(repository, digest, source),
    newId,
    report: (error) => log.warn("blob of another registry cannot be fetched", { error: messageOf(error) }),
  });
  const database = openDatabase(join(root, "proxy.db"), PROXY_MIGRATIONS, { survives: "crash" });
  const records = new CacheRecords(database);
  return {
    proxy: createPullThrough({ routes, content, records, fetches, clock, log }),
    [Symbol.dispose]: () => database[Symbol.dispose](),
  };
}

async function readPassword({ password, passwordFile }: UpstreamConfig): Promise<string> {
  return passwordFile === undefined ? password : await readSecret("password", passwordFile);
}
