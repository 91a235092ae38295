import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestClock } from "./_test-clock.ts";
import { digestOf, TestRegistry } from "./_testing.ts";
import { surplusTags } from "./retain.ts";
import type { RetentionRule } from "./settings.ts";
import { openFileStorage } from "./storage.ts";

/** Tags set one after another, a second apart, the last one now. */
function surplus(tags: readonly string[], rules: readonly RetentionRule[]): string[] {
  const history = tags.map((tag, age) => ({ tag, digest: digestOf(tag), setMs: 100_000 - age * 1000 }));
  return surplusTags(history, rules, 100_000).map(({ tag }) => tag);
}

test.each<[what: string, rules: RetentionRule[], expected: string[]]>([
  ["no rule keeps all", [], []],
  ["a rule that says nothing keeps all", [{ tags: "**" }], []],
  ["the newest stay", [{ tags: "**", keepNewest: 2 }], ["v2", "nightly-1", "v1"]],
  ["the young stay", [{ tags: "**", maxAgeMs: 3000 }], ["nightly-1", "v1"]],
  ["either reason is enough", [{ tags: "**", keepNewest: 4, maxAgeMs: 1000 }], ["v1"]],
  [
    "each rule counts its own",
    [
      { tags: "nightly-*", keepNewest: 1 },
      { tags: "v*", keepNewest: 1 },
    ],
    ["v2", "nightly-1", "v1"],
  ],
  [
    "the first rule that fits decides",
    [
      { tags: "nightly-*", keepNewest: 9 },
      { tags: "**", keepNewest: 0 },
    ],
    ["v3", "v2", "v1"],
  ],
  ["what fits no rule stays", [{ tags: "nightly-*", keepNewest: 0 }], ["nightly-2", "nightly-1"]],
])("surplusTags(): %s", (_, rules, expected) => {
  expect(surplus(["nightly-2", "v3", "v2", "nightly-1", "v1"], rules)).toEqual(expected);
});

test("retain() removes tags and what they alone held, and a dry run only says so", async () => {
  const root = await mkdtemp(join(tmpdir(), "tug-registry-retain-"));
  const clock = new TestClock();
  await using storage = await openFileStorage({ root, clock });
  const rule = { pattern: "app/**", settings: { retention: [{ tags: "v*", keepNewest: 1 }] } };
  const client = new TestRegistry(storage, clock, { settings: { repositories: [rule], graceMs: 0 } });
  const digests: string[] = [];
  for (const tag of ["v1", "v2", "v3"]) {
    digests.push(await client.pushImage("app/one", tag, tag));
    await client.pushImage("other", tag, tag);
    clock.advance(1000);
  }
  // "v2" is held by another tag, too.
  await client.pushImage("app/one", "stable", "v2");
  const [v1, v2] = digests;
  const expected = [
    { repository: "app/one", tag: "v2", digest: v2 },
    { repository: "app/one", tag: "v1", digest: v1 },
  ];
  const tags = async (repository: string) =>
    ((await (await client.request("GET", `/v2/${repository}/tags/list`)).json()) as { tags: string[] }).tags;
  expect((await client.registry.retain({ dryRun: true })).tags as unknown).toEqual(expected);
  expect(await tags("app/one")).toEqual(["stable", "v1", "v2", "v3"]);
  expect((await client.registry.retain()).tags as unknown).toEqual(expected);
  expect(await tags("app/one")).toEqual(["stable", "v3"]);
  expect(await tags("other")).toEqual(["v1", "v2", "v3"]);
  expect((await client.request("GET", `/v2/app/one/manifests/${v1}`)).status).toBe(404);
  expect((await client.request("GET", `/v2/app/one/manifests/${v2}`)).status).toBe(200);
  await client.registry.collect();
  expect((await client.request("GET", `/v2/app/one/blobs/${digestOf("layer v1")}`)).status).toBe(404);
  expect((await client.request("GET", `/v2/app/one/blobs/${digestOf("layer v2")}`)).status).toBe(200);
  expect(await (await client.request("GET", `/v2/other/blobs/${digestOf("layer v1")}`)).text()).toBe("layer v1");
  await rm(root, { recursive: true, force: true });
});
