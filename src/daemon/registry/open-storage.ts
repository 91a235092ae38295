import { join } from "node:path";
import { openFileStorage, openS3Storage, type RegistryStorage } from "#registry";
import type { RegistryConfig } from "./config.ts";
import { readSecret } from "./read-secret.ts";
import type { RegistryHost } from "./start-registry.ts";
import type { BucketConfig } from "./storage-config.ts";

/** The root folder, or the bucket of the configuration; the folder then holds only what can be made again from that. */
export async function openStorage(
  { root, bucket }: RegistryConfig,
  { clock, log, newId, fetch, shared }: Pick<RegistryHost, "clock" | "log" | "newId" | "fetch" | "shared">,
): Promise<RegistryStorage> {
  if (bucket === undefined) return await openFileStorage({ root, clock, ...(shared && { shared }) });
  const options = { ...(await withSecret(bucket)), fetch };
  return await openS3Storage({ bucket: options, cacheFolder: join(root, "bucket"), clock, log, newId });
}

async function withSecret({ secretAccessKeyFile, endpoint, region, prefix, ...bucket }: BucketConfig) {
  const secretAccessKey =
    secretAccessKeyFile === undefined
      ? bucket.secretAccessKey
      : await readSecret("secret access key", secretAccessKeyFile);
  return {
    ...bucket,
    secretAccessKey,
    ...(endpoint && { endpoint }),
    ...(region && { region }),
    ...(prefix && { prefix }),
  };
}
