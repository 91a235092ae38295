import { expect, test } from "bun:test";
import type { ContainerID, Volume } from "#core/containers";
import { EngineError } from "#lib/errors";
import { call, testApi } from "../_testing.ts";

const VOLUME: Volume = {
  name: "c4cb678f",
  path: "/data/volumes/c4cb678f/_data",
  createdAt: new Date("2026-01-02T03:04:05.678Z"),
  labels: { "com.docker.volume.anonymous": "" },
  users: ["a" as ContainerID],
};
const DOCUMENT = {
  CreatedAt: "2026-01-02T03:04:05Z",
  Driver: "local",
  Labels: { "com.docker.volume.anonymous": "" },
  Mountpoint: "/data/volumes/c4cb678f/_data",
  Name: "c4cb678f",
  Options: null,
  Scope: "local",
};

const removed: unknown[] = [];
const { api } = testApi({
  volumes: {
    list: async (filters) => (filters.has("name") ? [] : [VOLUME]),
    usage: async () => 42,
    get: async (name) => {
      if (name === VOLUME.name) return VOLUME;
      throw new EngineError("not-found", `get ${name}: no such volume`);
    },
    remove: async (name, options) => void removed.push([name, options]),
    prune: async () => ({ deleted: ["c4cb678f"], reclaimedBytes: 42 }),
  },
});

test.each([
  ["GET /volumes", { Volumes: [DOCUMENT], Warnings: null }],
  ['GET /volumes?filters={"name":["x"]}', { Volumes: [], Warnings: null }],
  ["GET /volumes/c4cb678f", DOCUMENT],
  ["POST /volumes/prune", { VolumesDeleted: ["c4cb678f"], SpaceReclaimed: 42 }],
  [
    "GET /system/df?type=volume",
    {
      LayersSize: 0,
      Images: null,
      Containers: null,
      Volumes: [{ ...DOCUMENT, UsageData: { RefCount: 1, Size: 42 } }],
      BuildCache: null,
    },
  ],
])("%s", async (line, document) => {
  const answer = await call(api, line);
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.text)).toEqual(document);
});

test("GET /volumes/x that is none answers 404", async () => {
  expect(await call(api, "GET /volumes/x")).toMatchObject({
    status: 404,
    text: '{"message":"get x: no such volume"}\n',
  });
});

test("DELETE /volumes/x removes it, by force if told", async () => {
  expect((await call(api, "DELETE /volumes/x")).status).toBe(204);
  expect((await call(api, "DELETE /volumes/y?force=1")).status).toBe(204);
  expect(removed).toEqual([
    ["x", { force: false }],
    ["y", { force: true }],
  ]);
});
