import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Server } from "#fixtures";
import { createLogger } from "#lib/log";
import { registrySuite } from "./conformance.ts";
import { openS3Storage } from "./mod.ts";

const CREDENTIALS = { accessKeyId: "test-key", secretAccessKey: "test/secret+key" };
const silent = createLogger({ level: "fatal", format: "text", now: () => new Date(0), write: () => {} });

registrySuite("a bucket, each time on a new machine", async () => {
  const server = new S3Server(CREDENTIALS);
  const folders: string[] = [];
  return {
    async open(clock) {
      const cacheFolder = await mkdtemp(join(tmpdir(), "tug-registry-cache-"));
      folders.push(cacheFolder);
      const bucket = { ...CREDENTIALS, endpoint: server.endpoint, bucket: "images", prefix: "registry", fetch };
      return await openS3Storage({ bucket, cacheFolder, clock, log: silent, newId: () => crypto.randomUUID() });
    },
    files: async () => [...server.objects.keys()].filter((key) => /^registry\/(blobs|data|uploads)\//.test(key)),
    async [Symbol.asyncDispose]() {
      server[Symbol.dispose]();
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    },
  };
});
