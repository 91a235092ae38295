import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "./config.ts";
import { mergeSettings, parseConfigFile, parseFlags } from "./flags.ts";
import { parseHost } from "./hosts.ts";
import { OPTIONS } from "./options.ts";
import { usage } from "./usage.ts";

/** A configuration file for one test; without it the host's own would be read. */
class ConfigFile implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "tug-config-"));
  readonly path = join(this.#folder, "daemon.json");

  constructor(document: unknown) {
    writeFileSync(this.path, typeof document === "string" ? document : JSON.stringify(document));
  }

  load(...flags: string[]) {
    return loadConfig([`--config-file=${this.path}`, ...flags]);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

function load(...flags: string[]) {
  using file = new ConfigFile({});
  return file.load(...flags);
}

describe("flags", () => {
  test("have values after `=`, as the next word, or attached to a short flag", () => {
    const config = load("-H", "unix:///a.sock", "-Htcp://:99", "--host=unix:///b.sock", "-D", "--mtu", "1400");
    expect(config.hosts).toEqual([
      { kind: "unix", path: "/a.sock" },
      { kind: "tcp", host: "localhost", port: 99 },
      { kind: "unix", path: "/b.sock" },
    ]);
    expect(config).toMatchObject({ debug: true, logLevel: "debug", network: { mtu: 1400 } });
  });

  test.each<[string[], string]>([
    [["--foo"], "unknown flag: --foo"],
    [["-x"], "unknown shorthand flag: 'x' in -x"],
    [["start"], "unknown command: tugd start"],
    [["--data-root"], "flag needs an argument: --data-root"],
    [
      ["--debug=maybe"],
      'invalid argument "maybe" for "--debug" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    [
      ["--iptables=false"],
      "flag --iptables is dockerd's and has no meaning here: tug keeps to an nft table of its own and leaves all other rules alone",
    ],
    [["--data-root=rel"], '--data-root "rel" has to be an absolute path'],
    [["--log-level=loud"], 'invalid argument "loud" for "--log-level" flag: one of debug, info, warn, error, fatal'],
    [["--storage-driver=zfs"], 'unknown storage driver "zfs": use one of erofs, overlay, vfs'],
    [["--mtu=big"], 'invalid argument "big" for "--mtu" flag: not a whole number'],
    [["--label=x"], "bad attribute format: x"],
    [["--label=a=1", "--label=a=2"], "conflict labels for a"],
    [["--default-runtime=kata"], "specified default runtime 'kata' does not exist"],
    [["--add-runtime=x=/nonexistent/tug"], "runtime 'x': \"/nonexistent/tug\" is no program"],
    [["--add-runtime=tug=/bin/true"], "runtime name 'tug' is reserved"],
    [["--log-driver=splunk"], 'error looking up logging plugin splunk: plugin "splunk" not found'],
    [
      ["--exec-opt=native.cgroupdriver=systemd"],
      'exec-opt "native.cgroupdriver=systemd" cannot act: this engine writes cgroups itself (native.cgroupdriver=cgroupfs)',
    ],
    [
      ["--live-restore=false"],
      "live-restore cannot be switched off: containers of this engine always outlive the daemon",
    ],
    [["--tlsverify"], "--tls needs --tlscert and --tlskey"],
    [["--tlsverify", "--tlscert=/c", "--tlskey=/k"], "--tlsverify needs --tlscacert"],
    [["--tlscert=/c"], "--tlscert needs --tls or --tlsverify"],
    [["--cgroup-parent=tug.slice"], 'cgroup-parent "tug.slice" is a systemd slice: give a path, such as "/tug"'],
    [["--default-ulimit=nofile=9:5"], "ulimit soft limit must be less than or equal to hard limit: 9 > 5"],
    [
      ["--seccomp-profile=/nonexistent"],
      "opening seccomp profile (/nonexistent) failed: ENOENT: no such file or directory, open '/nonexistent'",
    ],
    [
      [`--exec-root=/${"x".repeat(60)}`],
      `exec-root "/${"x".repeat(60)}" is too long: sockets below it need a path of at most 22 bytes`,
    ],
  ])("%j are refused", (flags, message) => {
    expect(() => load(...flags)).toThrow(message);
  });
});

describe("the configuration file", () => {
  test("says the same as flags, in dockerd's keys", () => {
    using file = new ConfigFile({
      debug: true,
      hosts: ["unix:///x.sock"],
      labels: ["a=b"],
      "log-driver": "local",
      "log-opts": { "max-size": "1m" },
      "default-shm-size": "128M",
      "default-ulimits": { nofile: { Name: "nofile", Hard: 64000, Soft: 1000 } },
      "no-new-privileges": true,
      runtimes: { mine: { path: "/bin/true", runtimeArgs: ["--x"] } },
      dns: ["1.1.1.1"],
    });
    expect(file.load()).toMatchObject({
      debug: true,
      labels: ["a=b"],
      containers: {
        logDriver: "local",
        logOptions: { "max-size": "1m" },
        shmSizeBytes: 128 * 1024 * 1024,
        ulimits: [{ Name: "nofile", Soft: 1000, Hard: 64000 }],
        noNewPrivileges: true,
        dns: ["1.1.1.1"],
      },
    });
    expect(file.load().containers.runtimes.get("mine")).toEqual({ path: "/bin/true", arguments: ["--x"] });
  });

  test("may not say what a flag says", () => {
    using file = new ConfigFile({ debug: true, labels: ["a=b"] });
    expect(() => file.load("--debug=false", "--label=c=d")).toThrow(
      `unable to configure the daemon with file ${file.path}: the following directives are specified both as a flag and in the ` +
        "configuration file: debug: (from flag: false, from file: true), labels: (from flag: [c=d], from file: [a=b])",
    );
  });

  test.each<[unknown, string]>([
    [{ foo: 1, bar: 2 }, "the following directives don't match any configuration option: foo, bar"],
    [
      { iptables: false },
      "the following directives don't match any configuration option: iptables (iptables: tug keeps to an nft table of its own and leaves all other rules alone)",
    ],
    [{ debug: "yes" }, 'configuration option "debug" has to be a boolean'],
    [{ hosts: [1] }, 'configuration option "hosts" has to be a list'],
    [[], "invalid JSON: not an object"],
    ["{", "invalid JSON: "],
    [
      { runtimes: { x: { path: "/bin/true", runtimeType: "io" } } },
      "runtime 'x': \"runtimeType\" has no meaning here: give a path and runtimeArgs",
    ],
  ])("%j is refused", (document, message) => {
    using file = new ConfigFile(document);
    expect(() => file.load()).toThrow(`unable to configure the daemon with file ${file.path}: ${message}`);
  });

  test("has to be there when a flag names it", () => {
    expect(() => loadConfig(["--config-file=/nonexistent/tug.json"])).toThrow(
      "unable to configure the daemon with file /nonexistent/tug.json",
    );
  });

  test("may be empty", () => {
    expect(parseConfigFile("").size).toBe(0);
  });
});

test("mergeSettings() joins what does not conflict", () => {
  const merged = mergeSettings(parseFlags(["-D"]), parseConfigFile('{"mtu": 1400}'));
  expect([...merged]).toEqual([
    ["mtu", "1400"],
    ["debug", true],
  ]);
});

test("defaults are dockerd's, at tug's own paths", () => {
  expect(load()).toMatchObject({
    action: "run",
    dataRoot: "/var/lib/tug",
    execRoot: "/run/tug",
    pidFile: "/run/tug/tugd.pid",
    hosts: [{ kind: "unix", path: "/run/tug/tug.sock" }],
    group: "docker",
    logLevel: "info",
    storageDriver: undefined,
    containers: { runtime: "tug", logDriver: "json-file", cgroupParent: "/tug", init: false, shmSizeBytes: 67108864 },
  });
});

test.each([
  ["tcp://", false, { kind: "tcp", host: "localhost", port: 2375 }],
  ["tcp://0.0.0.0", true, { kind: "tcp", host: "0.0.0.0", port: 2376 }],
  ["tcp://[::1]:80", false, { kind: "tcp", host: "::1", port: 80 }],
  ["fd://", false, { kind: "fd" }],
] as const)("parseHost() reads %s (TLS %p)", (text, tls, host) => {
  expect(parseHost(text, tls)).toEqual(host);
});

test.each(["npipe://x", "unix://relative", "tcp://a:b", "tcp://a:99999", "tcp://a/b", `unix:///${"x".repeat(120)}`])(
  "parseHost() refuses %s",
  (text) => {
    expect(() => parseHost(text, false)).toThrow(`invalid host "${text}": `);
  },
);

test("usage() names every flag", () => {
  for (const { flag } of OPTIONS) expect(usage()).toContain(`--${flag} `);
});
