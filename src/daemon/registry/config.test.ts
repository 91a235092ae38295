import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { formatAddress, parseAddress, reachableAddresses } from "./address.ts";
import { parseRegistryFile, readRegistryConfig } from "./config.ts";
import { registryOfDaemon } from "./daemon-config.ts";
import { saveAccount } from "./save-account.ts";
import { certificateNames } from "./tls-config.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const DAY_MS = 24 * 3600_000;

const read = (document: object = {}) => readRegistryConfig({ root: "/srv", ...document });

describe("readRegistryConfig()", () => {
  test("has a default for everything but the root", () => {
    expect(read()).toEqual({
      address: { hostname: "127.0.0.1", port: 5000 },
      root: "/srv",
      url: undefined,
      tls: { mode: "off" },
      log: { level: "info", format: "text" },
      access: { anonymous: "all" },
      audit: undefined,
      bucket: undefined,
      settings: {},
      collectEveryMs: 3600_000,
      proxy: undefined,
      notifications: [],
      metrics: "loopback",
      limits: { requests: 10_000, idleSeconds: 120 },
      shutdownTimeoutMs: 30_000,
    });
    expect(() => readRegistryConfig({})).toThrow("root is missing");
  });

  test("reads all of a file", () => {
    const text = readFileSync(join(import.meta.dir, "../../../docs/examples/registry.yaml"), "utf8");
    expect(readRegistryConfig(parseRegistryFile(text))).toEqual({
      address: { hostname: "0.0.0.0", port: 5000 },
      root: "/srv/registry",
      url: "https://registry.example:5000",
      tls: {
        mode: "files",
        certificate: "/etc/tug/registry.pem",
        key: "/etc/tug/registry-key.pem",
        clientAuthority: "/etc/tug/clients.pem",
      },
      log: { level: "info", format: "json" },
      access: {
        anonymous: "pull",
        htpasswd: "/etc/tug/registry-users",
        tokens: {
          service: "registry.example",
          issuer: "registry.example",
          expirySeconds: 600,
          refreshSeconds: 30 * 24 * 3600,
        },
        groups: new Map([["dev", ["alice", "bob"]]]),
        rules: [
          { repositories: ["team/**"], groups: ["dev"], actions: ["pull", "push"] },
          // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what users write
          { repositories: ["home/${user}/**"], users: ["*"], actions: ["pull", "push", "delete"] },
        ],
      },
      audit: { path: "/var/log/tug-registry-audit.log", limitBytes: 50 * MIB, keep: 10 },
      bucket: undefined,
      settings: {
        readOnly: false,
        allowDelete: true,
        immutableTags: ["v[0-9]*"],
        quotaBytes: 50 * GIB,
        untaggedAfterMs: 7 * DAY_MS,
        retention: [{ tags: "nightly-*", keepNewest: 10, maxAgeMs: 30 * DAY_MS }],
        repositories: [{ pattern: "mirror/**", settings: { readOnly: true, quotaBytes: 200 * GIB } }],
        graceMs: 2 * 3600_000,
        uploadExpiryMs: DAY_MS,
      },
      collectEveryMs: 3600_000,
      proxy: {
        upstreams: [
          {
            prefix: "docker.io",
            url: "https://registry-1.docker.io",
            username: "somebody",
            password: "",
            passwordFile: "/etc/tug/hub-password",
            ttlMs: 600_000,
          },
        ],
        limitBytes: 100 * GIB,
      },
      notifications: [
        {
          name: "deployer",
          url: "https://hooks.example/registry",
          headers: { Authorization: "Bearer something" },
          timeoutMs: 5_000,
          backoffMs: 1_000,
          ignore: { actions: ["pull"], mediaTypes: ["application/octet-stream"] },
        },
      ],
      metrics: "everyone",
      limits: { requests: 20_000, idleSeconds: 90 },
      shutdownTimeoutMs: 60_000,
    });
  });

  test("reads JSON as well, and an empty file as nothing said", () => {
    expect(parseRegistryFile('{"root": "/srv", "gc": {"grace": "2h"}}')).toEqual({ root: "/srv", gc: { grace: "2h" } });
    expect(parseRegistryFile("# nothing\n")).toEqual({});
    expect(() => parseRegistryFile("root: [")).toThrow("line 1");
  });

  test.each([
    [[], "the document has to be an object"],
    ["text", "the document has to be an object"],
  ])("refuses %j", (document, message) => {
    expect(() => readRegistryConfig(document)).toThrow(message);
  });

  test.each<[object, string]>([
    [{ adr: ":5000" }, "adr has no meaning here: one of access, addr, "],
    [{ addr: "localhost" }, "addr has to be HOST:PORT"],
    [{ root: "relative" }, 'root "relative" has to be an absolute path'],
    [{ url: "registry.example" }, "url has to be an http or https address"],
    [{ "log-level": "loud" }, 'log-level "loud" is none of debug, info'],
    [{ tls: "maybe" }, 'tls "maybe" is none of off, auto'],
    [{ tls: { certificate: "/c.pem" } }, "tls.key is missing: a certificate needs its key"],
    [{ tls: { key: "/k.pem" } }, "tls.certificate is missing"],
    [{ tls: { certificate: "/c", key: "/k", names: ["x"] } }, "tls.names is for certificates that the registry makes"],
    [{ access: { anonymous: "read" } }, 'access.anonymous "read" is none of none, pull, push, all'],
    [{ access: { tokens: true } }, "access.tokens needs htpasswd"],
    [{ access: { htpasswd: "/u", tokens: { expiry: "10s" } } }, "access.tokens.expiry has to be at least 60s"],
    [{ access: { "token-service": { realm: "https://x", service: "s" } } }, "access.token-service.keys is missing"],
    [
      { access: { htpasswd: "/u", "token-service": { realm: "https://x", service: "s", keys: "/k" } } },
      "access.token-service stands for accounts elsewhere",
    ],
    [{ access: { rules: [{ actions: ["pull"] }] } }, "access.rules[0].repositories is missing"],
    [{ access: { rules: [{ repositories: "*", actions: "pull" }] } }, "access.rules[0].users is missing"],
    [
      { access: { rules: [{ repositories: "*", users: "a", actions: ["pull", "read"] }] } },
      'access.rules[0].actions has "read", which is none of pull, push, delete',
    ],
    [{ access: { rules: [{ repositories: "*", users: "a" }] } }, "access.rules[0].actions is missing"],
    [
      { access: { rules: [{ repositories: "*", groups: ["dev"], actions: "pull" }] } },
      'access.rules[0].groups has "dev", which access.groups does not',
    ],
    [{ access: { rules: {} } }, "access.rules has to be a list"],
    [{ audit: {} }, "audit.path is missing"],
    [{ audit: { path: "/a", keep: -1 } }, "audit.keep has to be a whole number from 0 to 1000"],
    [{ audit: { path: "/a", "max-size": "big" } }, 'audit.max-size "big" is no size'],
    [{ "immutable-tags": ["v["] }, 'immutable-tags invalid pattern "v["'],
    [{ quota: "lots" }, 'quota "lots" is no size'],
    [{ repositories: { "team/[": {} } }, 'repositories.team/[ invalid pattern "team/["'],
    [
      { repositories: { "team/*": { qouta: "1GB" } } },
      "repositories.team/*.qouta has no meaning here: one of delete, ",
    ],
    [{ retention: [{ tags: "*" }] }, "retention[0].keep is missing"],
    [{ retention: [{ "max-age": "soon" }] }, 'retention[0].max-age "soon" is no duration, such as 90s, 12h or 30d'],
    [{ "read-only": "yes" }, "read-only has to be true or false"],
    [{ gc: { interval: "1ms" } }, "gc.interval has to be at least 1s"],
    [{ gc: { every: "1h" } }, "gc.every has no meaning here"],
    [{ proxy: { "docker.io": {} } }, "proxy.docker.io.url is missing"],
    [{ proxy: { "Docker!": { url: "https://x" } } }, "proxy.Docker! cannot be part of a repository's name"],
    [{ proxy: { remoteurl: "https://x", url: "https://y" } }, "proxy.url has no meaning here"],
    [{ proxy: { "docker.io": { url: "https://x/v2" } } }, "proxy.docker.io.url has to be without a path"],
    [{ notifications: [{ url: "http://x" }] }, "notifications[0].name is missing"],
    [{ notifications: [{ name: "a/b", url: "http://x" }] }, 'notifications[0].name "a/b" has to be of letters'],
    [{ notifications: [{ name: "a" }] }, "notifications[0].url is missing"],
    [
      {
        notifications: [
          { name: "a", url: "http://x" },
          { name: "a", url: "http://y" },
        ],
      },
      'notifications has two with the name "a"',
    ],
    [{ limits: { idle: "10m" } }, "limits.idle has to be from 1s to 255s"],
    [{ limits: { requests: 0 } }, "limits.requests has to be a whole number from 1"],
    [{ metrics: "some" }, 'metrics "some" is none of off, loopback, everyone'],
  ])("refuses %j", (document, message) => {
    expect(() => read(document)).toThrow(message);
  });

  test("closes the registry as soon as anything is said of who may do what", () => {
    expect(read({ access: { htpasswd: "/u" } }).access.anonymous).toBe("none");
    expect(read({ access: { rules: [] } }).access.anonymous).toBe("none");
    expect(read({ access: {} }).access.anonymous).toBe("all");
  });

  test.each([
    ["127.0.0.1:5000", "off"],
    ["localhost:5000", "off"],
    ["[::1]:5000", "off"],
    [":5000", "auto"],
    ["192.0.2.1:5000", "auto"],
  ])("has TLS wherever others could listen in: %s %s", (addr, mode) => {
    expect(read({ addr }).tls.mode).toBe(mode as "off");
    expect(read({ addr, tls: "off" }).tls.mode).toBe("off");
  });

  test("knows docker-registry's words for a mirror", () => {
    expect(read({ proxy: { remoteurl: "https://registry-1.docker.io/", username: "u", password: "p" } }).proxy).toEqual(
      {
        limitBytes: undefined,
        upstreams: [
          {
            prefix: "",
            url: "https://registry-1.docker.io",
            username: "u",
            password: "p",
            passwordFile: undefined,
            ttlMs: 300_000,
          },
        ],
      },
    );
  });

  test("leaves out receivers that are switched off", () => {
    const off = { name: "a", url: "http://x", disabled: true };
    expect(
      read({ notifications: [off, { name: "b", url: "http://y" }] }).notifications.map(({ name }) => name),
    ).toEqual(["b"]);
  });
});

test.each([
  ["127.0.0.1:5000", { hostname: "127.0.0.1", port: 5000 }],
  ["registry.example:443", { hostname: "registry.example", port: 443 }],
  [":5000", { hostname: "::", port: 5000 }],
  ["[2001:db8::1]:0", { hostname: "2001:db8::1", port: 0 }],
  ["5000", undefined],
  ["host", undefined],
  ["host:", undefined],
  ["host:99999", undefined],
  ["::1:5000", undefined],
  ["[nonsense]:5000", undefined],
  ["http://host:5000", undefined],
])("parseAddress(%p)", (text, expected) => {
  expect(parseAddress(text)).toEqual(expected);
  if (expected !== undefined && text !== ":5000") expect(formatAddress(expected)).toBe(text);
});

test("certificateNames() has every way to this machine", () => {
  const names = certificateNames("::", ["extra.example"], "https://registry.example:5000");
  expect(names).toEqual(
    expect.arrayContaining(["extra.example", "registry.example", "localhost", "127.0.0.1", hostname()]),
  );
  expect(new Set(names).size).toBe(names.length);
  expect(certificateNames("192.0.2.1", [], "https://[2001:db8::1]")).toEqual(
    expect.arrayContaining(["192.0.2.1", "2001:db8::1"]),
  );
  expect(reachableAddresses("192.0.2.1")).toEqual(["192.0.2.1"]);
});

describe("files", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tug-registry-config-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("registryOfDaemon() puts the registry below the data root, and the file below the flags", () => {
    const file = join(folder, "registry.yaml");
    writeFileSync(file, "addr: 127.0.0.1:1\nmetrics: everyone\n");
    const said = (...pairs: [string, string][]) => registryOfDaemon({ registryServer: pairs, dataRoot: "/data" });
    expect(said(["config", file], ["addr", "127.0.0.1:2"], ["access", '{"anonymous":"pull"}'])).toMatchObject({
      address: { port: 2 },
      root: "/data/registry",
      metrics: "everyone",
      access: { anonymous: "pull" },
    });
    expect(said(["delete", "false"]).settings).toEqual({ allowDelete: false });
    expect(() => said(["metrics", "some"])).toThrow('registry-server: metrics "some" is none of');
    expect(() => said(["config", join(folder, "none")])).toThrow("registry-server: ");
  });

  test("saveAccount() adds, changes and removes, and leaves the others", async () => {
    const path = join(folder, "users");
    await saveAccount(path, { username: "alice", password: "secret" });
    await saveAccount(path, { username: "bob", password: "hidden" });
    await saveAccount(path, { username: "alice", password: "changed" });
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    expect(lines.map((line) => line.split(":")[0])).toEqual(["alice", "bob"]);
    expect(await Bun.password.verify("changed", lines[0]!.slice("alice:".length))).toBe(true);
    await saveAccount(path, { username: "alice", password: undefined });
    expect(readFileSync(path, "utf8")).toBe(`${lines[1]}\n`);
  });

  test.each([
    [{ username: "a:b", password: "x" }, 'user name "a:b" cannot have colons'],
    [{ username: "", password: "x" }, "user name"],
    [{ username: "#a", password: "x" }, "user name"],
    [{ username: "a", password: "" }, "password is empty"],
    [{ username: "a", password: "x".repeat(73) }, "password is longer than 72 bytes"],
    [{ username: "a", password: undefined }, "no such user in"],
  ])("saveAccount() refuses %j", async (account, message) => {
    await expect(saveAccount(join(folder, "users"), account)).rejects.toThrow(message);
  });
});
