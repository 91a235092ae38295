import { describe, expect, test } from "bun:test";
import { faults, startFaultRegistry } from "#fixtures";
import { makeClient, NEVER } from "./_testing.ts";

const users = { ann: "secret" };
const ann = { username: "ann", password: "secret" };

describe("login()", () => {
  test.each(["none", "basic", "bearer"] as const)("succeeds at a registry with %s authentication", async (scheme) => {
    await using registry = await startFaultRegistry({ scheme, users });
    const result = await makeClient().registries.login({ ...ann, serverAddress: registry.host }, NEVER);
    expect(result).toEqual({ status: "Login Succeeded", identityToken: scheme === "bearer" ? "refresh-me" : "" });
  });

  test("asks the token server for a refresh token, as Docker does", async () => {
    await using registry = await startFaultRegistry({ scheme: "bearer", users });
    await makeClient().registries.login({ ...ann, serverAddress: registry.host }, NEVER);
    const asked = registry.requests.find(({ path }) => path.startsWith("/token"));
    const { searchParams } = new URL(asked?.path ?? "", registry.url);
    expect(Object.fromEntries(searchParams)).toEqual({
      service: registry.host,
      offline_token: "true",
      client_id: "docker",
      account: "ann",
    });
  });

  test("takes an identity token in place of a password", async () => {
    await using registry = await startFaultRegistry({ scheme: "bearer", users });
    const { registries } = makeClient();
    const credentials = { identityToken: "refresh-me", serverAddress: registry.host };
    expect(await registries.login(credentials, NEVER)).toMatchObject({ status: "Login Succeeded" });
    const wrong = registries.login({ ...credentials, identityToken: "other" }, NEVER);
    await expect(wrong).rejects.toMatchObject({ kind: "unauthorized" });
  });

  test("with a wrong password fails in Docker's words", async () => {
    await using basic = await startFaultRegistry({ scheme: "basic", users });
    await using bearer = await startFaultRegistry({ scheme: "bearer", users });
    const { registries } = makeClient();
    const wrong = { ...ann, password: "wrong" };
    await expect(registries.login({ ...wrong, serverAddress: basic.host }, NEVER)).rejects.toMatchObject({
      kind: "unauthorized",
      message: `login attempt to ${basic.url}/v2/ failed with status: 401 Unauthorized`,
    });
    await expect(registries.login({ ...wrong, serverAddress: bearer.host }, NEVER)).rejects.toMatchObject({
      kind: "unauthorized",
      message: `Get "${bearer.url}/v2/": unauthorized: incorrect username or password`,
    });
    await expect(registries.login({ serverAddress: basic.host }, NEVER)).rejects.toThrow(
      `Get "${basic.url}/v2/": no basic auth credentials`,
    );
  });

  test.each([404, 500])("fails where the API answers %d", async (status) => {
    await using registry = await startFaultRegistry();
    registry.fault(/./, faults.status(status));
    const failure = makeClient({ maxDownloadAttempts: 1 }).registries.login(
      { ...ann, serverAddress: registry.host },
      NEVER,
    );
    await expect(failure).rejects.toThrow(`login attempt to ${registry.url}/v2/ failed with status: ${status}`);
  });

  test("finds the host in an address with scheme and path", async () => {
    await using registry = await startFaultRegistry({ scheme: "basic", users });
    const { registries } = makeClient();
    for (const serverAddress of [registry.url, `${registry.url}/v1/`, `https://${registry.host}/v2/`]) {
      expect((await registries.login({ ...ann, serverAddress }, NEVER)).status).toBe("Login Succeeded");
    }
  });

  test.each(["a b", "-x/", "user@host"])("refuses %p for an address", async (serverAddress) => {
    const failure = makeClient().registries.login({ ...ann, serverAddress }, NEVER);
    await expect(failure).rejects.toMatchObject({ kind: "invalid-parameter" });
  });
});
