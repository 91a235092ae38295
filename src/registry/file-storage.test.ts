import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registrySuite } from "./conformance.ts";
import { openFileStorage } from "./storage.ts";

registrySuite("files and SQLite", async () => {
  const root = await mkdtemp(join(tmpdir(), "tug-registry-"));
  return {
    open: (clock) => openFileStorage({ root, clock }),
    files: async () =>
      (await Promise.all(["sha256", "sha512", "uploads"].map((folder) => readdir(join(root, folder))))).flat(),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
});
