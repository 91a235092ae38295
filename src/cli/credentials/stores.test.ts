import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testIo } from "../_test-io.ts";
import { readConfigFile } from "../config/config-file.ts";
import { encodeLogin, HUB_SERVER, hostOf, type Login, serverOf } from "./credentials.ts";
import { knownServers, registryAuth, storeFor } from "./stores.ts";

const LOGIN: Login = { username: "tester", password: "se:cret" };
const ENTRY = { auth: btoa("tester:se:cret") };
const root = mkdtempSync(join(tmpdir(), "tug-credentials-"));
afterAll(() => rmSync(root, { recursive: true }));

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(root, "config-"));
});

function contextOf(env: Record<string, string> = {}) {
  const io = testIo({ env: { PATH: directory, ...env } });
  return { io, configDirectory: directory, config: () => readConfigFile(directory) };
}

function configured(config: object): void {
  writeFileSync(join(directory, "config.json"), JSON.stringify(config));
}

function fileNow(): unknown {
  return JSON.parse(readFileSync(join(directory, "config.json"), "utf8"));
}

/** A helper that keeps each login in a file, and what it was asked in another. */
function installHelper(name: string): { calls: () => string[] } {
  const path = join(directory, `docker-credential-${name}`);
  writeFileSync(
    path,
    `#!/bin/bash
input=$(</dev/stdin)
echo "$1 $input" >> ${directory}/calls
case $1 in
store) echo "$input" > ${directory}/kept ;;
get) [ -e ${directory}/kept ] || { echo "credentials not found in native keychain"; exit 1; }; echo "$(<${directory}/kept)" ;;
erase) [ -e ${directory}/kept ] || { echo "credentials not found in native keychain"; exit 1; }; > ${directory}/erased ;;
list) echo '{"listed.test":"tester"}' ;;
esac
`,
  );
  chmodSync(path, 0o755);
  return { calls: () => readFileSync(join(directory, "calls"), "utf8").trim().split("\n") };
}

test.each([
  ["", HUB_SERVER],
  ["docker.io", HUB_SERVER],
  [HUB_SERVER, HUB_SERVER],
  ["r.test:5000", "r.test:5000"],
  ["https://r.test:5000/v2/", "r.test:5000"],
  ["http://r.test", "r.test"],
])("serverOf(%j) is %s", (text, server) => expect(serverOf(text)).toBe(server));

test("hostOf() leaves a host as it is", () => expect(hostOf("r.test")).toBe("r.test"));

test.each([
  [LOGIN, { username: "tester", password: "se:cret", serveraddress: "r.test" }],
  [
    { username: "tester", identityToken: "t" },
    { username: "tester", identitytoken: "t", serveraddress: "r.test" },
  ],
  [{ registryToken: "t" }, { registrytoken: "t", serveraddress: "r.test" }],
])("encodeLogin(%j)", (login, config) => {
  const text = encodeLogin("r.test", login);
  expect(text).toMatch(/^([\w-]{4})*([\w-]{2}==|[\w-]{3}=)?$/);
  expect(JSON.parse(Buffer.from(text, "base64url").toString())).toEqual(config);
});

describe("the configuration file", () => {
  test("keeps a login where only its owner reads it, and everything else in it", async () => {
    configured({ other: [1, { a: 2 }], auths: { "old.test": { auth: btoa("a:b"), extra: 1 } } });
    chmodSync(join(directory, "config.json"), 0o600);
    await storeFor(contextOf(), "r.test").store("r.test", LOGIN);
    expect(fileNow()).toEqual({
      other: [1, { a: 2 }],
      auths: { "old.test": { auth: btoa("a:b"), extra: 1 }, "r.test": ENTRY },
    });
    expect(statSync(join(directory, "config.json")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(directory, "config.json"), "utf8")).toStartWith('{\n\t"other": [');
    expect(await storeFor(contextOf(), "r.test").get("r.test")).toEqual(LOGIN);
  });

  test("is made with its directory when there is none", async () => {
    directory = join(directory, "deep/down");
    await storeFor(contextOf(), "r.test").store("r.test", LOGIN);
    expect(statSync(join(directory, "config.json")).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o077).toBe(0);
  });

  test("stays a link, and keeps the mode that its owner chose", async () => {
    const elsewhere = join(directory, "elsewhere.json");
    writeFileSync(elsewhere, "{}", { mode: 0o640 });
    chmodSync(elsewhere, 0o640);
    symlinkSync(elsewhere, join(directory, "config.json"));
    await storeFor(contextOf(), "r.test").store("r.test", LOGIN);
    expect(JSON.parse(readFileSync(elsewhere, "utf8"))).toEqual({ auths: { "r.test": ENTRY } });
    expect(statSync(elsewhere).mode & 0o777).toBe(0o640);
  });

  test("says that a password lies open, once, and nothing of a token", async () => {
    const context = contextOf();
    await storeFor(context, "r.test").store("r.test", { username: "a", identityToken: "t" });
    expect(context.io.written.stderr).toBe("");
    expect(fileNow()).toEqual({ auths: { "r.test": { auth: btoa("a:"), identitytoken: "t" } } });
    await storeFor(context, "r.test").store("r.test", LOGIN);
    await storeFor(context, "r.test").store("r.test", LOGIN);
    expect(context.io.written.stderr.match(/stored unencrypted in/g)).toHaveLength(1);
    expect(context.io.written.stderr).not.toContain("secret");
  });

  test("finds entries that older programs named by an address", async () => {
    configured({ auths: { "https://r.test:5000/v1/": ENTRY } });
    expect(await storeFor(contextOf(), "r.test:5000").get("r.test:5000")).toEqual(LOGIN);
    expect(await storeFor(contextOf(), "other.test").get("other.test")).toBeUndefined();
  });

  test("forgets what is erased, and does not mind what is not there", async () => {
    configured({ auths: { "r.test": ENTRY, "other.test": ENTRY } });
    await storeFor(contextOf(), "r.test").erase("r.test");
    await storeFor(contextOf(), "r.test").erase("r.test");
    expect(fileNow()).toEqual({ auths: { "other.test": ENTRY } });
  });

  test.each(["!!", btoa("nocolon"), btoa(":p")])("an auth of %j is a fault that shows nothing of it", async (auth) => {
    configured({ auths: { "r.test": { auth } } });
    const message = 'credentials of r.test: the configuration file holds no valid "auth"';
    await expect(storeFor(contextOf(), "r.test").get("r.test")).rejects.toThrow(message);
    expect(await registryAuth(contextOf(), "r.test")).toBeUndefined();
  });
});

describe("a credential helper", () => {
  test("is asked by its protocol, and the file says only that there is a login", async () => {
    const helper = installHelper("keys");
    configured({ credHelpers: { "r.test": "keys" } });
    const store = storeFor(contextOf(), "r.test");
    expect(await store.get("r.test")).toBeUndefined();
    await store.store("r.test", LOGIN);
    expect(fileNow()).toMatchObject({ auths: { "r.test": {} } });
    expect(await store.get("r.test")).toEqual(LOGIN);
    expect(await store.list()).toEqual(["listed.test"]);
    await store.erase("r.test");
    expect(fileNow()).toMatchObject({ auths: {} });
    expect(helper.calls()).toEqual([
      "get r.test",
      'store {"ServerURL":"r.test","Username":"tester","Secret":"se:cret"}',
      "get r.test",
      "list unused",
      "erase r.test",
    ]);
  });

  test("keeps a token under the name that says so", async () => {
    const helper = installHelper("keys");
    configured({ credsStore: "keys" });
    const store = storeFor(contextOf(), "r.test");
    await store.store("r.test", { username: "tester", identityToken: "refresh" });
    expect(await store.get("r.test")).toEqual({ identityToken: "refresh" });
    expect(helper.calls()[0]).toBe('store {"ServerURL":"r.test","Username":"<token>","Secret":"refresh"}');
  });

  test("of a registry goes before that of all", async () => {
    const helper = installHelper("one");
    configured({ credsStore: "nope", credHelpers: { "r.test": "one" } });
    await storeFor(contextOf(), "r.test").get("r.test");
    expect(helper.calls()).toEqual(["get r.test"]);
  });

  test("that is not there fails a login, and no pull", async () => {
    configured({ credsStore: "nope" });
    const missing = 'err: exec: "docker-credential-nope": executable file not found in $PATH, out: ``';
    await expect(storeFor(contextOf(), "r.test").store("r.test", LOGIN)).rejects.toThrow(missing);
    await expect(storeFor(contextOf(), "r.test").erase("r.test")).rejects.toThrow(missing);
    expect(await registryAuth(contextOf(), "r.test")).toBeUndefined();
  });

  test("that answers nonsense shows no secret", async () => {
    const path = join(directory, "docker-credential-bad");
    writeFileSync(path, "#!/bin/sh\necho hunter2\n");
    chmodSync(path, 0o755);
    configured({ credsStore: "bad" });
    const asked = storeFor(contextOf(), "r.test").get("r.test");
    await expect(asked).rejects.toThrow("the credential helper's answer is no JSON object");
    await asked.catch((error) => expect(String(error)).not.toContain("hunter2"));
  });

  test("of the system is taken when nothing was decided yet", async () => {
    const helper = installHelper("secretservice");
    expect(await storeFor(contextOf(), "r.test").get("r.test")).toBeUndefined();
    expect(helper.calls()).toEqual(["get r.test"]);
    configured({ auths: { "r.test": ENTRY } });
    expect(await storeFor(contextOf(), "r.test").get("r.test")).toEqual(LOGIN);
  });
});

describe("DOCKER_AUTH_CONFIG", () => {
  const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { "r.test": ENTRY } }) };

  test("goes before the file", async () => {
    configured({ auths: { "r.test": { auth: btoa("file:file") }, "other.test": { auth: btoa("file:file") } } });
    expect(await storeFor(contextOf(env), "r.test").get("r.test")).toEqual(LOGIN);
    expect(await storeFor(contextOf(env), "other.test").get("other.test")).toEqual({
      username: "file",
      password: "file",
    });
  });

  test("leaves storing and erasing to the file", async () => {
    const store = storeFor(contextOf(env), "r.test");
    await store.store("r.test", { username: "x", password: "y" });
    expect(fileNow()).toEqual({ auths: { "r.test": { auth: btoa("x:y") } } });
    await store.erase("r.test");
    expect(fileNow()).toEqual({ auths: {} });
  });

  test.each(["not json with secret", "{}", '{"auths":1}'])(
    "is passed over, and said so, when it is %j",
    async (text) => {
      configured({ auths: { "r.test": ENTRY } });
      const context = contextOf({ DOCKER_AUTH_CONFIG: text });
      expect(await storeFor(context, "r.test").get("r.test")).toEqual(LOGIN);
      expect(context.io.written.stderr).toStartWith("Failed to create credential store from DOCKER_AUTH_CONFIG: ");
      expect(context.io.written.stderr).not.toContain("secret");
    },
  );
});

test("registryAuth() is the login of a reference's registry, Docker Hub under its old address", async () => {
  configured({ auths: { [HUB_SERVER]: ENTRY } });
  expect(await registryAuth(contextOf(), "docker.io")).toBe(encodeLogin(HUB_SERVER, LOGIN));
  expect(await registryAuth(contextOf(), "r.test")).toBeUndefined();
});

test("knownServers() are those of all stores", async () => {
  configured({ auths: { "r.test": ENTRY }, credHelpers: { "helped.test": "nope" } });
  const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { "given.test": ENTRY } }) };
  expect(await knownServers(contextOf(env))).toEqual(["given.test", "helped.test", "r.test"]);
  expect(existsSync(join(directory, "calls"))).toBe(false);
});
