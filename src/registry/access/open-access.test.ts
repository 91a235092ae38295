import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { TestClock } from "../_test-clock.ts";
import type { Action, Scope } from "../registry.ts";
import { AccountsFolder, basic, bearer, PEER, verifyFakeHash } from "./_testing.ts";
import { type AccessSettings, DEFAULT_TOKENS, type OpenAccess, openAccess } from "./open-access.ts";

const ORIGIN = "https://registry.test:5000";

let folder: AccountsFolder;
let clock: TestClock;
beforeEach(() => {
  folder = new AccountsFolder({ alice: "secret", bob: "hidden" });
  clock = new TestClock();
});
afterEach(() => folder[Symbol.dispose]());

function open(settings: Partial<AccessSettings> = {}): Promise<OpenAccess> {
  let ids = 0;
  return openAccess(
    { anonymous: "none", ...settings },
    {
      root: folder.path,
      url: undefined,
      clock,
      verifyPassword: verifyFakeHash,
      newId: () => `id-${ids++}`,
      report: (error) => {
        throw error;
      },
    },
  );
}

const pull = (repository: string): Scope => ({ repository, actions: ["pull"] });
const push = (repository: string): Scope => ({ repository, actions: ["pull", "push"] });

/** Who was let in, or with what status and challenge somebody was not. */
async function ask({ access }: OpenAccess, scopes: readonly Scope[], headers: Record<string, string> = {}) {
  const request = new Request(`${ORIGIN}/v2/`, { headers });
  const authorization = await access.authorize(request, scopes, PEER);
  if ("principal" in authorization) return authorization.principal.name ?? "anybody";
  const { status, headers: answered } = authorization.challenge;
  return [status, answered.get("WWW-Authenticate")].filter(Boolean).join(" ");
}

async function requestToken({ tokens }: OpenAccess, query: string, headers: Record<string, string> = {}) {
  const response = await tokens!(new Request(`${ORIGIN}/token?${query}`, { headers }), PEER);
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

async function postToken({ tokens }: OpenAccess, form: Record<string, string>) {
  const request = new Request(`${ORIGIN}/token`, { method: "POST", body: new URLSearchParams(form) });
  const response = await tokens!(request, PEER);
  return { status: response.status, body: (await response.json()) as Record<string, string>, response };
}

describe("without accounts", () => {
  test("everybody may do what anonymous clients may, and cannot log in for more", async () => {
    const everything = await open({ anonymous: "all" });
    expect(await ask(everything, [])).toBe("anybody");
    expect(await ask(everything, [push("a")])).toBe("anybody");
    const readable = await open({ anonymous: "pull" });
    expect(await ask(readable, [])).toBe("anybody");
    expect(await ask(readable, [push("a")])).toBe("403");
    expect(readable.tokens).toBeUndefined();
  });

  test("a password is refused, since it cannot be right", async () => {
    expect(await ask(await open({ anonymous: "all" }), [], basic("alice", "secret"))).toBe("403");
  });
});

describe("with accounts alone", () => {
  test("clients are challenged for a password", async () => {
    const access = await open({ htpasswd: folder.htpasswd });
    const challenge = '401 Basic realm="tug registry"';
    expect(await ask(access, [])).toBe(challenge);
    expect(await ask(access, [pull("a")])).toBe(challenge);
    expect(await ask(access, [pull("a")], basic("alice", "wrong"))).toBe(challenge);
    expect(await ask(access, [pull("a")], basic("nobody", "secret"))).toBe(challenge);
    expect(await ask(access, [pull("a")], { Authorization: "Digest x" })).toBe(challenge);
    expect(await ask(access, [pull("a")], bearer("x.y.z"))).toBe(challenge);
    expect(await ask(access, [push("a")], basic("alice", "secret"))).toBe("alice");
    expect(await ask(access, [{ registry: "catalog" }], basic("alice", "secret"))).toBe("alice");
    expect(access.tokens).toBeUndefined();
  });

  test("rules decide, and who has not the right is not asked for a password again", async () => {
    const rules = [{ repositories: ["team/*"], users: ["alice"], actions: ["pull", "push"] as Action[] }];
    const access = await open({ htpasswd: folder.htpasswd, rules });
    expect(await ask(access, [push("team/app")], basic("alice", "secret"))).toBe("alice");
    expect(await ask(access, [pull("other")], basic("alice", "secret"))).toBe("403");
    expect(await ask(access, [pull("team/app")], basic("bob", "hidden"))).toBe("403");
    expect(await ask(access, [{ repository: "team/app", actions: ["delete"] }], basic("alice", "secret"))).toBe("403");
  });

  test("a catalog lists what one may pull", async () => {
    const rules = [{ repositories: ["team/*"], users: ["alice"], actions: ["pull"] as Action[] }];
    const { access } = await open({ htpasswd: folder.htpasswd, rules });
    const request = new Request(ORIGIN, { headers: basic("alice", "secret") });
    const authorization = await access.authorize(request, [{ registry: "catalog" }], PEER);
    const sees = "principal" in authorization ? authorization.sees : undefined;
    expect([sees?.("team/app"), sees?.("other")]).toEqual([true, false]);
  });

  test("whoever guesses too often is told when to come back", async () => {
    const { access } = await open({ htpasswd: folder.htpasswd });
    const guess = (password: string) =>
      access.authorize(new Request(ORIGIN, { headers: basic("alice", password) }), [], PEER);
    for (let i = 0; i < 10; i++) await guess(`guess ${i}`);
    const authorization = await guess("secret");
    const { status, headers } = (authorization as { challenge: Response }).challenge;
    expect([status, headers.get("Retry-After")]).toEqual([429, "1"]);
  });
});

describe("with tokens of our own", () => {
  const settings = () => ({ htpasswd: folder.htpasswd, tokens: DEFAULT_TOKENS });
  const SERVICE = "service=tug-registry";
  const bearerOf = (parameters: string) => `401 Bearer realm="${ORIGIN}/token",service="tug-registry"${parameters}`;

  test("the challenge says where to get a token, and for what", async () => {
    const access = await open(settings());
    expect(await ask(access, [])).toBe(bearerOf(""));
    expect(await ask(access, [push("a"), pull("b")])).toBe(
      bearerOf(',scope="repository:a:pull,push repository:b:pull"'),
    );
    expect(await ask(access, [pull("a")], bearer("nonsense"))).toBe(
      bearerOf(',scope="repository:a:pull",error="invalid_token"'),
    );
  });

  test("a token is good for what was asked for, and for no more", async () => {
    const access = await open(settings());
    const { body } = await requestToken(access, `${SERVICE}&scope=repository:a:pull`, basic("alice", "secret"));
    expect(body).toMatchObject({ token: body.access_token, expires_in: 300, scope: "repository:a:pull" });
    expect(body.issued_at).toBe("2027-01-15T08:00:00.000Z");
    expect(body).not.toHaveProperty("refresh_token");
    const token = bearer(body.token!);
    expect(await ask(access, [], token)).toBe("alice");
    expect(await ask(access, [pull("a")], token)).toBe("alice");
    expect(await ask(access, [push("a")], token)).toBe(
      bearerOf(',scope="repository:a:pull,push",error="insufficient_scope"'),
    );
    expect(await ask(access, [{ registry: "catalog" }], token)).toContain("insufficient_scope");
  });

  test("a token ends", async () => {
    const access = await open(settings());
    const { body } = await requestToken(access, `${SERVICE}&scope=repository:a:pull`, basic("alice", "secret"));
    clock.advance(340_000);
    expect(await ask(access, [pull("a")], bearer(body.token!))).toContain('error="invalid_token"');
  });

  test("a token of somebody who was removed, or may no longer, is worth nothing", async () => {
    const access = await open(settings());
    const { body } = await requestToken(access, `${SERVICE}&scope=repository:a:pull`, basic("alice", "secret"));
    const strict = await open({ ...settings(), rules: [] });
    expect(await ask(strict, [pull("a")], bearer(body.token!))).toContain('error="insufficient_scope"');
    for (const accounts of [{ alice: "changed" }, { bob: "hidden" }]) {
      folder.write(accounts);
      await access.reload();
      expect(await ask(access, [pull("a")], bearer(body.token!))).toContain('error="invalid_token"');
    }
  });

  test("nobody in particular gets a token for what anonymous clients may", async () => {
    // Tokens were not asked for: with a Basic challenge clients without an account would give up.
    const access = await open({ htpasswd: folder.htpasswd, anonymous: "pull" });
    expect(await ask(access, [])).toBe(bearerOf(""));
    expect(await ask(access, [pull("a")])).toBe("anybody");
    const { body } = await requestToken(access, `${SERVICE}&scope=repository:a:pull,push`);
    expect(body.scope).toBe("repository:a:pull");
    expect(await ask(access, [pull("a")], bearer(body.token!))).toBe("anybody");
    expect(await ask(access, [push("a")], bearer(body.token!))).toContain('error="insufficient_scope"');
  });

  test.each([
    ["a wrong password", SERVICE, () => basic("alice", "wrong"), 401],
    ["an unknown account", SERVICE, () => basic("mallory", "secret"), 401],
    ["something that is no password", SERVICE, () => bearer("x"), 401],
    ["another service", "service=other", () => basic("alice", "secret"), 400],
  ])("there is no token for %s", async (_, query, headers, status) => {
    const answer = await requestToken(await open(settings()), query, headers());
    expect(answer.status).toBe(status);
    expect(answer.body).not.toHaveProperty("token");
  });

  test("a login is kept as a refresh token, until the password changes", async () => {
    const access = await open(settings());
    const query = `${SERVICE}&offline_token=true&scope=repository:a:pull`;
    const { body } = await requestToken(access, query, basic("alice", "secret"));
    const form = {
      grant_type: "refresh_token",
      service: "tug-registry",
      client_id: "docker",
      refresh_token: body.refresh_token!,
      scope: "repository:a:pull,push registry:catalog:*",
    };
    const refreshed = await postToken(access, form);
    expect(refreshed.body).toMatchObject({
      refresh_token: form.refresh_token,
      scope: "repository:a:pull,push registry:catalog:*",
      expires_in: 300,
    });
    expect(refreshed.response.headers.get("Cache-Control")).toBe("no-store");
    expect(await ask(access, [push("a")], bearer(refreshed.body.access_token!))).toBe("alice");
    expect(await ask(access, [{ registry: "catalog" }], bearer(refreshed.body.access_token!))).toBe("alice");
    // It is good for tokens, and for nothing else.
    expect(await ask(access, [], bearer(form.refresh_token))).toContain("invalid_token");
    folder.write({ alice: "changed" });
    await access.reload();
    expect((await postToken(access, form)).status).toBe(401);
  });

  test("OAuth2's password grant gives both tokens", async () => {
    const access = await open(settings());
    const form = { grant_type: "password", service: "tug-registry", username: "alice", password: "secret" };
    const { body } = await postToken(access, { ...form, access_type: "offline" });
    expect(Object.keys(body).sort()).toEqual(["access_token", "expires_in", "issued_at", "refresh_token", "scope"]);
    expect((await postToken(access, { ...form, password: "wrong" })).status).toBe(401);
    expect((await postToken(access, { ...form, grant_type: "magic" })).status).toBe(400);
    expect((await postToken(access, { grant_type: "refresh_token", refresh_token: "x" })).status).toBe(401);
    expect((await postToken(access, { ...form, password: "x".repeat(70_000) })).status).toBe(413);
  });

  test("other methods are refused, and the public key can be had", async () => {
    const { tokens } = await open(settings());
    const wrong = await tokens!(new Request(`${ORIGIN}/token`, { method: "DELETE" }), PEER);
    expect([wrong.status, wrong.headers.get("Allow")]).toEqual([405, "GET, POST"]);
    const keys = await tokens!(new Request(`${ORIGIN}/token/keys`), PEER);
    expect(await keys.json()).toEqual({ keys: [expect.objectContaining({ kty: "EC", use: "sig" })] });
  });
});

describe("with tokens of another service", () => {
  async function foreign(settings: Partial<AccessSettings> = {}) {
    // Another registry of ours stands for the service: its key is what we are told to trust.
    const issuing = await open({ htpasswd: folder.htpasswd, tokens: { ...DEFAULT_TOKENS, service: "shared" } });
    const keys = join(folder.path, "keys.json");
    const published = await issuing.tokens!(new Request(`${ORIGIN}/token/keys`), PEER);
    writeFileSync(keys, await published.text());
    const tokenService = { realm: "https://tokens.example/auth", service: "shared", keys };
    return { issuing, access: await open({ tokenService, ...settings }) };
  }

  test("they decide by themselves", async () => {
    const { issuing, access } = await foreign();
    expect(await ask(access, [pull("a")])).toBe(
      '401 Bearer realm="https://tokens.example/auth",service="shared",scope="repository:a:pull"',
    );
    const { body } = await requestToken(issuing, "scope=repository:a:pull", basic("alice", "secret"));
    expect(await ask(access, [pull("a")], bearer(body.token!))).toBe("alice");
    expect(await ask(access, [pull("b")], bearer(body.token!))).toContain("insufficient_scope");
    expect(access.tokens).toBeUndefined();
  });

  test("rules of our own can narrow what they allow", async () => {
    const rules = [{ repositories: ["a"], users: ["alice"], actions: ["pull"] as Action[] }];
    const { issuing, access } = await foreign({ rules });
    const query = "scope=repository:a:pull,push&scope=repository:b:pull";
    const { body } = await requestToken(issuing, query, basic("alice", "secret"));
    expect(await ask(access, [pull("a")], bearer(body.token!))).toBe("alice");
    expect(await ask(access, [push("a")], bearer(body.token!))).toContain("insufficient_scope");
    expect(await ask(access, [pull("b")], bearer(body.token!))).toContain("insufficient_scope");
  });

  test("a file without keys is an error that names it", async () => {
    const tokenService = { realm: "https://x", service: "s", keys: join(folder.path, "none") };
    await expect(open({ tokenService })).rejects.toThrow(`read keys of the token service "${tokenService.keys}"`);
  });
});
