import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openDatabase } from "#lib/db";
import type { Clock } from "#lib/time";
import type { BlobStore } from "./blobs/blob-store.ts";
import { createFileBlobStore, type SharedFiles } from "./blobs/file-store.ts";
import type { ManifestStore } from "./metadata/manifest-store.ts";
import { REGISTRY_MIGRATIONS } from "./metadata/schema.ts";
import { createManifestStore } from "./metadata/sqlite-store.ts";

/** Where a registry keeps what it has. One process at a time has it open. */
export interface RegistryStorage extends AsyncDisposable {
  readonly blobs: BlobStore;
  readonly manifests: ManifestStore;
}

/**
 * Storage in a directory, which is made when missing: blobs as `createFileBlobStore` lays them out, and `registry.db`. A daemon's
 * content store may be `shared`, which saves the bytes that both have. The caller sees to it that no other process has it open.
 */
export async function openFileStorage(options: {
  readonly root: string;
  readonly clock: Clock;
  readonly shared?: SharedFiles;
}): Promise<RegistryStorage> {
  const { root, clock, shared } = options;
  await mkdir(root, { recursive: true, mode: 0o700 });
  const blobs = await createFileBlobStore({ root, ...(shared === undefined ? {} : { shared }) });
  const database = openDatabase(join(root, "registry.db"), REGISTRY_MIGRATIONS);
  return {
    blobs,
    manifests: createManifestStore({ database, clock }),
    async [Symbol.asyncDispose]() {
      database[Symbol.dispose]();
    },
  };
}
