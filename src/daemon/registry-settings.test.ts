import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "./config.ts";
import { orElse, takeProxies } from "./registry-settings.ts";

/** What a configuration file and flags come to. */
function registries(document: unknown, ...flags: string[]) {
  const folder = mkdtempSync(join(tmpdir(), "tug-registries-"));
  const path = join(folder, "daemon.json");
  try {
    writeFileSync(path, JSON.stringify(document));
    return loadConfig([`--config-file=${path}`, ...flags]).registries;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("registries in the configuration", () => {
  test("are Docker's when nothing is said", () => {
    expect(registries({})).toEqual({
      mirrors: [],
      insecureRegistries: [],
      rules: new Map(),
      proxies: { http: "", https: "", no: "" },
      maxConcurrentDownloads: 3,
      maxConcurrentUploads: 5,
      maxDownloadAttempts: 5,
    });
  });

  test("have dockerd's keys", () => {
    expect(
      registries({
        "registry-mirrors": ["https://mirror.test/hub"],
        "insecure-registries": ["lab.test:5000", "10.0.0.0/8", "http://old.test"],
        proxies: { "http-proxy": "http://a:1", "https-proxy": "http://b:2", "no-proxy": ".test" },
        "max-concurrent-downloads": 7,
        "max-concurrent-uploads": 0,
        "max-download-attempts": 0,
      }),
    ).toEqual({
      mirrors: ["https://mirror.test/hub/"],
      insecureRegistries: ["lab.test:5000", "10.0.0.0/8", "old.test"],
      rules: new Map(),
      proxies: { http: "http://a:1", https: "http://b:2", no: ".test" },
      maxConcurrentDownloads: 7,
      maxConcurrentUploads: Number.POSITIVE_INFINITY,
      maxDownloadAttempts: 5,
    });
  });

  test("have rules for any registry, by file or by flag", () => {
    const rule = { mirrors: ["http://m.test"], rewrite: [{ from: "a/", to: "b/" }], insecure: true };
    const expected = new Map([["ghcr.test:5000", { ...rule, mirrors: ["http://m.test/"] }]]);
    expect(registries({ registries: { "ghcr.test:5000": rule } }).rules).toEqual(expected);
    expect(registries({}, `--registry=ghcr.test:5000=${JSON.stringify(rule)}`).rules).toEqual(expected);
    expect(registries({ registries: { "a.test": {} } }).rules.get("a.test")).toEqual({
      mirrors: [],
      rewrite: [],
      insecure: false,
    });
  });

  test.each<[string, unknown, string]>([
    [
      "a mirror without a scheme",
      { "registry-mirrors": ["m.test"] },
      `invalid mirror: no scheme specified for "m.test": must use either 'https://' or 'http://'`,
    ],
    [
      "a mirror of another scheme",
      { "registry-mirrors": ["ftp://m.test"] },
      `invalid mirror: unsupported scheme "ftp" in "ftp://m.test": must use either 'https://' or 'http://'`,
    ],
    [
      "a mirror that is no address",
      { "registry-mirrors": ["http://["] },
      'invalid mirror: "http://[" is not a valid URI',
    ],
    [
      "a mirror with a query",
      { "registry-mirrors": ["https://m.test?a=b"] },
      'invalid mirror: query or fragment at end of the URI "https://m.test?a=b"',
    ],
    [
      "a mirror with a password",
      { "registry-mirrors": ["https://a:secret@m.test"] },
      "invalid mirror: username/password not allowed in URI",
    ],
    ["an insecure path", { "insecure-registries": ["a.test/b"] }, 'insecure registry "a.test/b" is not valid'],
    [
      "a count that is none",
      { "max-concurrent-downloads": -1 },
      'invalid argument "-1" for "--max-concurrent-downloads" flag',
    ],
    [
      "a proxy that is no address",
      { proxies: { "http-proxy": "socks://a:secret@c" } },
      "http-proxy: not an address of a proxy",
    ],
    [
      "unknown proxies",
      { proxies: { foo: "x" } },
      "the following directives don't match any configuration option: foo",
    ],
    ["a list of proxies", { proxies: ["x"] }, 'configuration option "proxies" has to be a map'],
    ["a rule for no host", { registries: { "a/b": {} } }, 'registries: "a/b" is no host or host:port'],
    [
      "a rule of unknown words",
      { registries: { "a.test": { mirror: "x" } } },
      'registries: a.test: "mirror" has no meaning here',
    ],
    [
      "a rule with a wrong mirror",
      { registries: { "a.test": { mirrors: ["x"] } } },
      'invalid mirror: no scheme specified for "x"',
    ],
    ["a rule with one mirror", { registries: { "a.test": { mirrors: "x" } } }, "mirrors has to be a list of addresses"],
    [
      "a rule with half a rewrite",
      { registries: { "a.test": { rewrite: [{ from: "a" }] } } },
      "rewrite has to be a list of",
    ],
    ["a rule that is unsure", { registries: { "a.test": { insecure: "yes" } } }, "insecure has to be true or false"],
    ["a rule that is a word", { registries: { "a.test": "x" } }, "registries: a.test: "],
  ])("refuse %s", (_name, document, message) => {
    const load = () => registries(document);
    expect(load).toThrow(message);
    expect(load).not.toThrow("secret");
  });

  test("do not show a proxy's password when flag and file disagree", () => {
    const load = () => registries({ proxies: { "http-proxy": "http://a:secret@b:1" } }, "--http-proxy=x");
    expect(load).toThrow("http-proxy: (from flag: x, from file: http://xxxxx:xxxxx@b:1)");
  });
});

describe("proxies of the environment", () => {
  test("are taken out of it, so that nothing else uses them", () => {
    const environment: Record<string, string | undefined> = {
      HTTP_PROXY: "a",
      https_proxy: "b",
      NO_PROXY: "c",
      no_proxy: "d",
      PATH: "p",
    };
    expect(takeProxies(environment)).toEqual({ http: "a", https: "b", no: "c" });
    expect(environment).toEqual({ PATH: "p" });
    expect(takeProxies({})).toEqual({ http: "", https: "", no: "" });
  });

  test("stand behind the configuration's", () => {
    expect(orElse({ http: "x", https: "", no: "" }, { http: "a", https: "b", no: "c" })).toEqual({
      http: "x",
      https: "b",
      no: "c",
    });
  });
});
