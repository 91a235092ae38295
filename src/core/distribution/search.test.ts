import { describe, expect, test } from "bun:test";
import { faults, startFaultRegistry } from "#fixtures";
import { makeClient, NEVER } from "./_testing.ts";
import type { Fetch } from "./transport.ts";

const MANIFEST = { schemaVersion: 2 };
const RESULTS = {
  num_results: 2,
  results: [
    { name: "busybox", description: "Small", star_count: 7, is_official: true, is_automated: false },
    { name: "other/busybox", description: null, star_count: "many" },
    { description: "nameless" },
    null,
  ],
};
const BUSYBOX = { name: "busybox", description: "Small", starCount: 7, isOfficial: true, isAutomated: false };
const OTHER = { name: "other/busybox", description: "", starCount: 0, isOfficial: false, isAutomated: false };

/** Docker Hub, as far as its search goes. */
function hub(answer: () => Response) {
  const asked: { url: string; headers: Headers }[] = [];
  const fetch: Fetch = async (url, init) => {
    asked.push({ url, headers: new Headers(init.headers as Record<string, string>) });
    return answer();
  };
  return { asked, client: makeClient({}, { fetch }) };
}

describe("search()", () => {
  test("asks Docker Hub by its v1 search", async () => {
    const { asked, client } = hub(() => Response.json(RESULTS));
    const credentials = { username: "ann", password: "secret" };
    const headers = { "X-Meta-A": "b" };
    const found = await client.registries.search("library/busy box", {
      limit: 25,
      signal: NEVER,
      credentials,
      headers,
    });
    expect(found).toEqual([BUSYBOX, OTHER]);
    expect(asked[0]?.url).toBe("https://index.docker.io/v1/search?q=busy%20box&n=25");
    expect(asked[0]?.headers.get("x-docker-token")).toBe("true");
    expect(asked[0]?.headers.get("x-meta-a")).toBe("b");
    expect(asked[0]?.headers.get("authorization")).toBe(`Basic ${btoa("ann:secret")}`);
    expect(await client.registries.search("docker.io/busybox", { limit: 1, signal: NEVER })).toEqual([BUSYBOX]);
  });

  test.each<[Response, string]>([
    [new Response("", { status: 404 }), "Unexpected status code 404"],
    [new Response("nope"), "error decoding registry search results"],
    [Response.json({ results: 1 }), "error decoding registry search results"],
  ])("says what Docker Hub said, %#", async (response, message) => {
    const failure = hub(() => response).client.registries.search("x", { limit: 25, signal: NEVER });
    await expect(failure).rejects.toThrow(message);
  });

  test("uses the v1 search of another registry where it has one", async () => {
    await using registry = await startFaultRegistry();
    registry.fault(/v1\/search/, faults.status(200, {}, JSON.stringify(RESULTS)));
    const found = await makeClient().registries.search(`${registry.host}/busybox`, { limit: 25, signal: NEVER });
    expect(found).toEqual([BUSYBOX, OTHER]);
    expect(registry.requests.at(-1)?.path).toBe("/v1/search?q=busybox&n=25");
  });

  test("looks into the catalog of a registry without search", async () => {
    await using registry = await startFaultRegistry({ pageSize: 2, scheme: "bearer" });
    for (const name of ["app", "team/app", "other", "zapp"]) registry.addManifest(name, "v1", MANIFEST);
    const { registries } = makeClient();
    const names = async (term: string, limit: number) =>
      (await registries.search(`${registry.host}/${term}`, { limit, signal: NEVER })).map(({ name }) => name);
    expect(await names("app", 25)).toEqual([
      `${registry.host}/app`,
      `${registry.host}/team/app`,
      `${registry.host}/zapp`,
    ]);
    expect(await names("app", 2)).toEqual([`${registry.host}/app`, `${registry.host}/team/app`]);
    expect(await names("none", 25)).toEqual([]);
    const token = registry.requests.find(({ path }) => path.startsWith("/token"));
    expect(token?.path).toContain(`scope=${encodeURIComponent("registry:catalog:*")}`);
  });

  test.each<[string, number, string]>([
    ["https://a.test/x", 25, "invalid repository name: repository name (https://a.test/x) should not have a scheme"],
    ["x", 0, "limit 0 is outside the range of [1, 100]"],
    ["x", 101, "limit 101 is outside the range of [1, 100]"],
    ["a..:b@c/x", 25, "invalid registry host"],
  ])("refuses %s, %d", async (term, limit, message) => {
    const failure = makeClient().registries.search(term, { limit, signal: NEVER });
    await expect(failure).rejects.toMatchObject({
      kind: "invalid-parameter",
      message: expect.stringContaining(message),
    });
  });
});
