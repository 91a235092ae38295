import { describe, expect, test } from "bun:test";
import { type FaultRegistry, faults, startFaultRegistry } from "#fixtures";
import { makeClient, NEVER, tag } from "./_testing.ts";
import type { Credentials } from "./distribution.ts";

const users = { ann: "secret" };
const ann: Credentials = { username: "ann", password: "secret" };
const MANIFEST = { schemaVersion: 2, config: {}, layers: [] };

async function withRegistry(scheme: "basic" | "bearer"): Promise<FaultRegistry> {
  const registry = await startFaultRegistry({ scheme, users });
  registry.addManifest("a/b", "v1", MANIFEST);
  return registry;
}

function tokenRequests(registry: FaultRegistry): URL[] {
  return registry.requests
    .filter(({ path }) => path.startsWith("/token"))
    .map(({ path }) => new URL(path, registry.url));
}

describe("basic authentication", () => {
  test("is given when asked for", async () => {
    await using registry = await withRegistry("basic");
    const repository = makeClient().repository(registry.host, "a/b", { credentials: ann });
    expect((await repository.resolve(tag("v1"), NEVER)).size).toBeGreaterThan(0);
  });

  test("without credentials fails in Docker's words", async () => {
    await using registry = await withRegistry("basic");
    const client = makeClient();
    const failure = client.repository(registry.host, "a/b").resolve(tag("v1"), NEVER);
    await expect(failure).rejects.toThrow(`Head "${registry.url}/v2/a/b/manifests/v1": no basic auth credentials`);
    const push = client.repository(registry.host, "a/b", { action: "push" });
    const manifest = { bytes: new Uint8Array(2), mediaType: "x/y" };
    await expect(push.putManifest(tag("v1"), manifest, NEVER)).rejects.toThrow(/^no basic auth credentials$/);
  });

  test("with a wrong password is refused once, not again and again", async () => {
    await using registry = await withRegistry("basic");
    const repository = makeClient().repository(registry.host, "a/b", { credentials: { ...ann, password: "wrong" } });
    const failure = repository.manifest(tag("v1"), NEVER);
    await expect(failure).rejects.toMatchObject({
      kind: "unauthorized",
      message: "unauthorized: authentication required",
    });
    expect(registry.requests).toHaveLength(2);
  });
});

describe("bearer tokens", () => {
  test("are asked for by service, scope and account, anonymously without credentials", async () => {
    await using registry = await withRegistry("bearer");
    const client = makeClient();
    await client.repository(registry.host, "a/b").resolve(tag("v1"), NEVER);
    await client.repository(registry.host, "a/b", { credentials: ann }).resolve(tag("v1"), NEVER);
    const [anonymous, named] = tokenRequests(registry);
    expect(anonymous?.search).toBe(`?service=${encodeURIComponent(registry.host)}&scope=repository%3Aa%2Fb%3Apull`);
    expect(named?.searchParams.get("account")).toBe("ann");
    const [first, second] = registry.requests.filter(({ path }) => path.startsWith("/token"));
    expect(first?.headers.authorization).toBeUndefined();
    expect(second?.headers.authorization).toBe(`Basic ${btoa("ann:secret")}`);
  });

  test("are used again until shortly before they end", async () => {
    await using registry = await withRegistry("bearer");
    const client = makeClient();
    const read = () => client.repository(registry.host, "a/b").resolve(tag("v1"), NEVER);
    await read();
    await read();
    expect(tokenRequests(registry)).toHaveLength(1);
    client.clock.advance(289_000);
    await read();
    expect(tokenRequests(registry)).toHaveLength(1);
    client.clock.advance(1000);
    await read();
    expect(tokenRequests(registry)).toHaveLength(2);
  });

  test("that the registry does not take any more are replaced", async () => {
    await using registry = await withRegistry("bearer");
    const client = makeClient();
    const repository = client.repository(registry.host, "a/b");
    await repository.resolve(tag("v1"), NEVER);
    registry.revokeTokens();
    await repository.resolve(tag("v1"), NEVER);
    expect(tokenRequests(registry)).toHaveLength(2);
    expect(client.clock.pausesMs).toEqual([]);
  });

  test("are fetched by an identity token where there is one", async () => {
    await using registry = await withRegistry("bearer");
    const client = makeClient();
    await client
      .repository(registry.host, "a/b", { credentials: { identityToken: "refresh-me" } })
      .resolve(tag("v1"), NEVER);
    const [request] = registry.requests.filter(({ path }) => path.startsWith("/token"));
    expect(request).toMatchObject({ method: "POST", path: "/token" });
    expect(request?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(request?.headers.authorization).toBeUndefined();
  });

  test("that were given with the credentials are sent as they are", async () => {
    await using registry = await withRegistry("bearer");
    const client = makeClient();
    const repository = client.repository(registry.host, "a/b", { credentials: { registryToken: "mine" } });
    await expect(repository.resolve(tag("v1"), NEVER)).rejects.toThrow("authentication required");
    expect(tokenRequests(registry)).toHaveLength(0);
    expect(registry.requests.at(-1)?.headers.authorization).toBe("Bearer mine");
  });

  test("for a push name all that it takes, the source of a mount too", async () => {
    await using registry = await withRegistry("bearer");
    const digest = registry.addBlob(new Uint8Array(3));
    const push = makeClient().repository(registry.host, "a/b", { action: "push", credentials: ann });
    expect(await push.mountBlob(digest as never, "c/d", NEVER)).toBe(true);
    expect(tokenRequests(registry)[0]?.searchParams.getAll("scope")).toEqual([
      "repository:a/b:pull,push",
      "repository:c/d:pull",
    ]);
  });

  test("may be denied", async () => {
    await using registry = await withRegistry("bearer");
    const challenge = `Bearer realm="${registry.url}/token",service="x",error="insufficient_scope"`;
    const body = JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] });
    registry.fault(
      /manifests/,
      faults.status(401, { "WWW-Authenticate": challenge, "Content-Type": "application/json" }, body),
    );
    const failure = makeClient().repository(registry.host, "a/b", { credentials: ann }).resolve(tag("v1"), NEVER);
    await expect(failure).rejects.toMatchObject({
      kind: "not-found",
      message: `pull access denied for ${registry.host}/a/b, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
    });
  });

  test.each<[string, string | Uint8Array, string]>([
    ["an empty object", "{}", "authorization server did not include a token in the response"],
    ["no object", "null", "authorization server did not include a token in the response"],
    ["no JSON", "garbage", "unable to decode token response: "],
    [
      "a token that no header holds",
      '{"token":"a\\r\\nb"}',
      "authorization server gave a token that no header can hold",
    ],
    ["too much", " ".repeat(600_000), "the answer is larger than 524288 bytes"],
  ])("are not found in %s", async (_name, body, message) => {
    await using registry = await withRegistry("bearer");
    registry.fault(/token/, faults.status(200, {}, body));
    const failure = makeClient().repository(registry.host, "a/b").resolve(tag("v1"), NEVER);
    await expect(failure).rejects.toThrow(message);
  });

  test.each([
    ["none", 'Bearer service="x"', "no realm specified for token auth challenge"],
    ["no address", 'Bearer realm="nonsense"', 'invalid token auth challenge realm: "nonsense"'],
    ["no HTTP", 'Bearer realm="file:///etc/passwd"', 'invalid token auth challenge realm: "file:///etc/passwd"'],
    ["somebody's name", 'Bearer realm="http://a:b@localhost/"', "invalid token auth challenge realm"],
  ])("are not asked for at a realm that is %s", async (_name, challenge, message) => {
    await using registry = await withRegistry("bearer");
    registry.fault(/v2/, faults.status(401, { "WWW-Authenticate": challenge }));
    const failure = makeClient().repository(registry.host, "a/b", { credentials: ann }).resolve(tag("v1"), NEVER);
    await expect(failure).rejects.toThrow(message);
  });

  test("are not fetched with a password that is wrong: the words are the token server's", async () => {
    await using registry = await withRegistry("bearer");
    const credentials = { ...ann, password: "wrong" };
    const failure = makeClient().repository(registry.host, "a/b", { credentials }).resolve(tag("v1"), NEVER);
    await expect(failure).rejects.toThrow(
      `Head "${registry.url}/v2/a/b/manifests/v1": unauthorized: incorrect username or password`,
    );
  });
});

describe("credentials", () => {
  test("do not follow a redirect to another host, nor do Docker's own headers", async () => {
    await using registry = await withRegistry("basic");
    await using storage = await startFaultRegistry();
    const bytes = new TextEncoder().encode("stored elsewhere");
    const digest = storage.addBlob(bytes);
    registry.fault(/GET .*blobs/, faults.status(307, { Location: `${storage.url}/v2/s/blobs/${digest}?signature=x` }));
    const { registries } = makeClient();
    const repository = registries.repository(`${registry.host}/a/b` as never, {
      action: "pull",
      credentials: ann,
      headers: { "X-Meta-Who": "ann" },
    });
    const blob = { mediaType: "x/y", digest: digest as never, size: bytes.length };
    expect(await new Response((await Array.fromAsync(repository.blob(blob, { signal: NEVER })))[0]).text()).toBe(
      "stored elsewhere",
    );
    expect(registry.requests.at(-1)?.headers).toMatchObject({ authorization: expect.any(String), "x-meta-who": "ann" });
    expect(storage.requests[0]?.headers.authorization).toBeUndefined();
    expect(storage.requests[0]?.headers["x-meta-who"]).toBeUndefined();
    expect(storage.requests[0]?.headers["user-agent"]).toBe("tug/test");
  });

  test("are not for a mirror", async () => {
    await using mirror = await withRegistry("basic");
    await using registry = await withRegistry("basic");
    const rules = new Map([[registry.host, { mirrors: [`${mirror.url}/`], rewrite: [], insecure: false }]]);
    const repository = makeClient({ rules }).repository(registry.host, "a/b", { credentials: ann });
    await repository.resolve(tag("v1"), NEVER);
    expect(mirror.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
    expect(registry.requests.at(-1)?.headers.authorization).toBeDefined();
  });

  test("of storage, which are signatures, stand in no message either", async () => {
    await using registry = await withRegistry("basic");
    const location = "http://127.0.0.1:1/docker/registry/v2/blobs/x?X-Amz-Signature=secret";
    registry.fault(/GET .*blobs/, faults.status(307, { Location: location }));
    const blob = { mediaType: "x/y", digest: `sha256:${"a".repeat(64)}` as never, size: 5 };
    const repository = makeClient().repository(registry.host, "a/b", { credentials: ann });
    await expect(Array.fromAsync(repository.blob(blob, { signal: NEVER }))).rejects.toThrow(
      'Get "http://127.0.0.1:1/docker/registry/v2/blobs/x": dial tcp 127.0.0.1:1: connect: connection refused',
    );
  });

  test("never stand in a message", async () => {
    await using registry = await withRegistry("bearer");
    const client = makeClient();
    registry.fault(/token/, faults.error(403, "DENIED", "no"));
    const credentials = { ...ann, serverAddress: registry.host };
    for (const failure of [
      client.registries.login(credentials, NEVER),
      client.repository(registry.host, "a/b", { credentials }).resolve(tag("v1"), NEVER),
    ]) {
      const error = await failure.then(
        () => new Error("it worked"),
        (cause: Error) => cause,
      );
      expect(`${error.message} ${Bun.inspect(error)}`).not.toContain("secret");
    }
  });
});
