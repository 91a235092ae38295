import { expect, test } from "bun:test";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Server } from "#fixtures";
import { createLogger } from "#lib/log";
import { systemClock } from "#lib/time";
import { readRegistryConfig } from "./config.ts";
import { openStorage } from "./open-storage.ts";

const host = {
  clock: systemClock(),
  log: createLogger({ level: "fatal", format: "text", now: () => new Date(0), write: () => {} }),
  newId: () => crypto.randomUUID(),
  fetch: (url: string, init: RequestInit) => fetch(url, init),
};

test("openStorage() keeps everything in the bucket of the configuration, the secret being in a file", async () => {
  const root = await mkdtemp(join(tmpdir(), "tug-registry-bucket-"));
  using server = new S3Server({ accessKeyId: "key", secretAccessKey: "secret" });
  const secret = join(root, "secret");
  await writeFile(secret, "secret\n");
  const config = readRegistryConfig({
    root,
    s3: {
      bucket: "images",
      endpoint: server.endpoint,
      prefix: "a/b",
      "access-key-id": "key",
      "secret-access-key-file": secret,
    },
  });
  {
    await using storage = await openStorage(config, host);
    storage.manifests.startUpload("app", "one");
    await storage.blobs.startUpload("one");
  }
  expect([...server.objects.keys()].sort()).toEqual(["a/b/journal/0000000000000001", "a/b/uploads/one", "a/b/writer"]);
  expect((await readdir(root)).sort()).toEqual(["bucket", "secret"]);
  await rm(root, { recursive: true, force: true });
});

test.each<[key: string, s3: object]>([
  ["s3.bucket is missing", { "access-key-id": "a", "secret-access-key": "b" }],
  ["s3.secret-access-key is missing", { bucket: "x", "access-key-id": "a" }],
  ["s3.endpoint has to be an http or https address", { bucket: "x", endpoint: "host" }],
  ["s3.prefix has to be names", { bucket: "x", prefix: "/a/" }],
])("readRegistryConfig() says that %s", (message, s3) => {
  expect(() => readRegistryConfig({ root: "/srv", s3 })).toThrow(message);
});
