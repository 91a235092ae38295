import { describe, expect, test } from "bun:test";
import type { RepositoryName } from "#api/distribution";
import type { Digest } from "#api/oci";
import type { Credentials, RemoteRepository, SearchOptions, SearchResult } from "#core/distribution";
import { EngineError } from "#lib/errors";
import { call, testApi } from "../_testing.ts";

const LOGIN = { username: "u", password: "p" };
const AUTH = { "x-registry-auth": Buffer.from(JSON.stringify(LOGIN)).toString("base64url") };
const DIGEST = `sha256:${"ab".repeat(32)}` as Digest;
const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";

describe("POST /auth", () => {
  function registry(outcome: string | Error) {
    const asked: Credentials[] = [];
    const login = async (credentials: Credentials) => {
      asked.push(credentials);
      if (typeof outcome !== "string") throw outcome;
      return { status: "Login Succeeded", identityToken: outcome };
    };
    return { api: testApi({ registries: { login } }).api, asked };
  }

  test.each(["", "refresh"])("answers with the identity token %j", async (token) => {
    const { api, asked } = registry(token);
    const answer = await call(api, "POST /auth", { body: { ...LOGIN, serveraddress: "r.test" } });
    const text = `{"IdentityToken":"${token}","Status":"Login Succeeded"}\n`;
    expect(answer).toMatchObject({ status: 200, text });
    expect(asked).toEqual([{ ...LOGIN, serverAddress: "r.test" }]);
  });

  test.each([
    ["unauthorized", 401],
    ["unavailable", 503],
  ] as const)("tells what is %s by its status", async (kind, status) => {
    const error = new EngineError(kind, "what the registry said");
    const answer = await call(registry(error).api, "POST /auth", { body: LOGIN });
    expect(answer).toMatchObject({ status, text: `${JSON.stringify({ message: error.message })}\n` });
  });

  test("refuses what are no credentials", async () => {
    const answer = await call(registry("").api, "POST /auth", { body: { username: 1 } });
    expect(answer.status).toBe(400);
  });
});

describe("GET /images/search", () => {
  const result = (name: string, starCount: number, isOfficial = false): SearchResult => ({
    name,
    description: `about ${name}`,
    starCount,
    isOfficial,
    isAutomated: true,
  });

  function registry() {
    const asked: { term: string; limit: number; credentials: Credentials | undefined; headers: unknown }[] = [];
    const search = async (term: string, { limit, credentials, headers }: SearchOptions) => {
      asked.push({ term, limit, credentials, headers });
      return [result("redis", 100, true), result("a/redis", 3)];
    };
    return { api: testApi({ registries: { search } }).api, asked };
  }

  test("gives what the registry found, in Docker's members", async () => {
    const { api } = registry();
    const answer = await call(api, "GET /images/search?term=redis");
    expect(JSON.parse(answer.text)).toEqual([
      { star_count: 100, is_official: true, name: "redis", is_automated: false, description: "about redis" },
      { star_count: 3, is_official: false, name: "a/redis", is_automated: false, description: "about a/redis" },
    ]);
  });

  test.each([
    ["term=x", 25],
    ["term=x&limit=0", 25],
    ["term=x&limit=1", 1],
    ["term=x&limit=100", 100],
  ])("%s asks for %i results at most", async (query, limit) => {
    const { api, asked } = registry();
    await call(api, `GET /images/search?${query}`, { headers: { ...AUTH, "x-meta-a": "b" } });
    expect(asked).toEqual([{ term: "x", limit, credentials: LOGIN, headers: { "x-meta-a": "b" } }]);
  });

  test.each([
    [{ "is-official": ["true"] }, ["redis"]],
    [{ "is-official": ["false"] }, ["a/redis"]],
    [{ stars: ["50"] }, ["redis"]],
    [{ stars: ["3"] }, ["redis", "a/redis"]],
    [{ "is-automated": ["true"] }, []],
    [{ "is-automated": ["false"] }, ["redis", "a/redis"]],
  ])("%j leaves %j", async (filters, names) => {
    const answer = await call(registry().api, `GET /images/search?term=x&filters=${JSON.stringify(filters)}`);
    expect((JSON.parse(answer.text) as { name: string }[]).map(({ name }) => name)).toEqual(names);
  });

  test.each([
    ["limit=101", "limit 101 is outside the range of [1, 100]"],
    ["limit=-1", "limit -1 is outside the range of [1, 100]"],
    ["limit=x", 'invalid limit specified: strconv.Atoi: parsing "x": invalid syntax'],
    ['filters={"nope":["x"]}', "invalid filter 'nope'"],
    ['filters={"stars":["x"]}', "invalid filter 'stars=x': strconv.Atoi: parsing \"x\": invalid syntax"],
    ['filters={"is-official":["x"]}', "invalid filter 'is-official=[x]'"],
  ])("%s is refused before anybody is asked", async (query, message) => {
    const { api, asked } = registry();
    const answer = await call(api, `GET /images/search?term=x&${query}`);
    expect(answer).toMatchObject({ status: 400, text: `${JSON.stringify({ message })}\n` });
    expect(asked).toEqual([]);
  });
});

describe("GET /distribution/{name}/json", () => {
  const descriptor = { mediaType: OCI_MANIFEST, digest: DIGEST, size: 527 };
  const platforms = [{ architecture: "amd64", os: "linux" }];

  test.each([
    ["r.test:5000/a/b:1", "r.test:5000/a/b:1"],
    ["busybox", "docker.io/library/busybox:latest"],
    [`a@${DIGEST}`, `docker.io/library/a@${DIGEST}`],
  ])("describes %s", async (name, reference) => {
    const asked: unknown[] = [];
    const remoteManifest = async (text: string, { credentials }: { credentials?: Credentials }) => {
      asked.push([text, credentials]);
      return { descriptor, platforms };
    };
    const { api } = testApi({ images: { remoteManifest } });
    const answer = await call(api, `GET /distribution/${name}/json`, { headers: AUTH });
    expect(JSON.parse(answer.text)).toEqual({ Descriptor: descriptor, Platforms: platforms });
    expect(asked).toEqual([[reference, LOGIN]]);
  });

  test.each([DIGEST, "ab".repeat(32)])("refuses the ID %s", async (id) => {
    const answer = await call(testApi().api, `GET /distribution/${id}/json`);
    expect(answer).toMatchObject({ status: 400, text: '{"message":"no manifest found for full image ID"}\n' });
  });
});

describe("/distribution/{name}/manifest", () => {
  const document = JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST });

  /** A registry that keeps what is put there, and tells what it was asked. */
  function registry() {
    const asked: unknown[] = [];
    const repository = (name: RepositoryName, { action, credentials }: { action: string; credentials?: Credentials }) =>
      ({
        name,
        manifest: async (reference: string) => {
          asked.push({ get: `${name} ${reference}`, action, credentials });
          const descriptor = { mediaType: OCI_MANIFEST, digest: DIGEST, size: document.length };
          return { descriptor, bytes: Buffer.from(document) };
        },
        hasBlob: async () => false,
        mountBlob: async (digest: string, from: string) => {
          asked.push({ mount: digest, from });
          return true;
        },
        putManifest: async (reference: string, { mediaType }: { mediaType: string }) => {
          asked.push({ put: `${name} ${reference}`, action, credentials, mediaType });
          return DIGEST;
        },
      }) as unknown as RemoteRepository;
    return { api: testApi({ registries: { repository } }).api, asked };
  }

  test("GET gives the document as the registry has it", async () => {
    const { api, asked } = registry();
    const answer = await call(api, "GET /distribution/r.test/a:1/manifest", { headers: AUTH });
    expect(answer).toMatchObject({
      status: 200,
      text: document,
      headers: { "Content-Type": OCI_MANIFEST, "Docker-Content-Digest": DIGEST },
    });
    expect(asked).toEqual([{ get: "r.test/a 1", action: "pull", credentials: LOGIN }]);
  });

  test("PUT puts it there", async () => {
    const { api, asked } = registry();
    const headers = { ...AUTH, "content-type": OCI_MANIFEST };
    const answer = await call(api, "PUT /distribution/r.test/a:1/manifest", { headers, body: document });
    expect(answer.status).toBe(201);
    expect(JSON.parse(answer.text)).toEqual({ mediaType: OCI_MANIFEST, digest: DIGEST, size: document.length });
    expect(asked).toEqual([{ put: "r.test/a 1", action: "push", credentials: LOGIN, mediaType: OCI_MANIFEST }]);
  });

  test("PUT brings the blobs from another repository first", async () => {
    const { api, asked } = registry();
    const config = { mediaType: "x", digest: DIGEST, size: 3 };
    const body = JSON.stringify({ schemaVersion: 2, config, layers: [] });
    const headers = { "content-type": OCI_MANIFEST };
    await call(api, `PUT /distribution/r.test/a@${DIGEST}/manifest?from=r.test/other/b`, { headers, body });
    expect(asked).toMatchObject([{ mount: DIGEST, from: "other/b" }, { put: `r.test/a ${DIGEST}` }]);
  });

  test.each([
    ["r.test/a:1/manifest", {}, "put manifest: Content-Type must name its media type", "{}"],
    ["r.test/a:1/manifest", { "content-type": "x" }, "put manifest: neither a manifest nor an index", "3"],
    [
      "r.test/a:1/manifest?from=elsewhere.test/a",
      { "content-type": "x" },
      "cannot use source images from a different registry than the target image: elsewhere.test != r.test",
      "{}",
    ],
  ])("PUT %s with %j is refused: %s", async (path, headers, message, body) => {
    const { api, asked } = registry();
    const answer = await call(api, `PUT /distribution/${path}`, { headers: headers as Record<string, string>, body });
    expect(answer).toMatchObject({ status: 400, text: `${JSON.stringify({ message })}\n` });
    expect(asked).toEqual([]);
  });

  test("PUT takes no more than a manifest may be", async () => {
    const headers = { "content-type": OCI_MANIFEST };
    const answer = await call(registry().api, "PUT /distribution/r.test/a:1/manifest", {
      headers,
      body: " ".repeat(4 * 1024 * 1024 + 1),
    });
    expect(answer.status).toBe(413);
  });
});
