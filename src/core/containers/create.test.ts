import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { ContainerConfig, HostConfig } from "#api/engine";
import { FakeEngine, IMAGE } from "./_fakes.ts";
import { joinCommand, mergeConfig } from "./merge-config.ts";
import { inventName, newID, parseName } from "./names.ts";
import { parseSignal } from "./signals.ts";

describe("mergeConfig()", () => {
  const image = {
    Cmd: ["serve"],
    Entrypoint: ["/app"],
    Env: ["PATH=/bin", "A=image"],
    Labels: { a: "image", b: "image" },
    ExposedPorts: { "80/tcp": {} },
    Volumes: { "/data": {} },
    User: "app",
    WorkingDir: "/srv",
    StopSignal: "SIGINT",
    Healthcheck: { Test: ["CMD", "true"], Interval: 5, Retries: 3 },
  };
  const commandOf = (asked: ContainerConfig) => joinCommand(mergeConfig(asked, image));

  test("takes entrypoint and command from the image", () => {
    expect(commandOf({})).toEqual(["/app", "serve"]);
  });

  test("keeps the image's entrypoint before the user's command", () => {
    expect(commandOf({ Cmd: ["x"] })).toEqual(["/app", "x"]);
  });

  test("drops the image's command with an entrypoint of the user's", () => {
    expect(commandOf({ Entrypoint: ["/sh"] })).toEqual(["/sh"]);
    expect(commandOf({ Entrypoint: [""], Cmd: ["x"] })).toEqual(["x"]);
  });

  test("puts the user's environment first and the image's where it has no such key", () => {
    expect(mergeConfig({ Env: ["A=user", "B"] }, image).Env).toEqual(["A=user", "B", "PATH=/bin"]);
  });

  test("joins labels, ports and volumes, and fills in what is empty", () => {
    const merged = mergeConfig({ Labels: { a: "user" }, ExposedPorts: { "81/tcp": {} }, User: "" }, image);
    expect(merged).toMatchObject({
      Labels: { a: "user", b: "image" },
      ExposedPorts: { "80/tcp": {}, "81/tcp": {} },
      Volumes: { "/data": {} },
      User: "app",
      WorkingDir: "/srv",
      StopSignal: "SIGINT",
    });
  });

  test("merges a health check field by field", () => {
    expect(mergeConfig({ Healthcheck: { Interval: 9, Retries: 0 } }, image).Healthcheck).toEqual({
      Test: ["CMD", "true"],
      Interval: 9,
      Retries: 3,
    });
  });
});

test.each([
  ["TERM", 15],
  ["sigterm", 15],
  ["9", 9],
  ["RTMIN+3", 37],
  ["SIGRTMAX-1", 63],
])("parseSignal() reads %s", (text, number) => {
  expect(parseSignal(text)).toBe(number);
});

test.each(["", "0", "FOO", "RTMIN+31", "RTMAX+1", "-9"])("parseSignal() refuses %j", (text) => {
  expect(() => parseSignal(text)).toThrow(`invalid signal: ${text}`);
});

test.each(["65", "999999"])("parseSignal() refuses %s, which Linux does not have", (text) => {
  expect(() => parseSignal(text)).toThrow(`the linux daemon does not support signal ${text}`);
});

test.each(["ab", "/ab", "A-1_x.y"])("parseName() takes %s", (text) => {
  expect(parseName(text)).toBe(text.replace("/", ""));
});

test.each(["a", "", "/", "-ab", "a b", "a/b", "é1", "ab\n"])("parseName() refuses %j", (text) => {
  expect(() => parseName(text)).toThrow(`Invalid container name (${text}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
});

test("newID() passes over IDs that look like numbers", () => {
  const bytes = [new Uint8Array(32).fill(0x11), new Uint8Array(32).fill(0xab)];
  expect(newID({ bytes: () => bytes.shift() as Uint8Array })).toBe("ab".repeat(32) as never);
});

test("inventName() tries names, then names with a digit, then takes the short ID", () => {
  const random = { bytes: (count: number) => new Uint8Array(count).fill(3) };
  const id = "c".repeat(64) as never;
  const first = inventName(id, random, () => true);
  expect(first).toMatch(/^[a-z]+_[a-z]+$/);
  expect(inventName(id, random, (name) => name !== first)).toBe(`${first}3`);
  expect(inventName(id, random, () => false)).toBe("c".repeat(12));
});

async function refusal(config: ContainerConfig, hostConfig: HostConfig = {}): Promise<string> {
  await using engine = new FakeEngine();
  return await engine.create("web", { config, hostConfig }).then(
    () => "accepted",
    (error: Error) => error.message,
  );
}

test.each<[ContainerConfig, HostConfig, string]>([
  [{ WorkingDir: "foo" }, {}, "the working directory 'foo' is invalid, it needs to be an absolute path"],
  [{ StopSignal: "FOO" }, {}, "invalid signal: FOO"],
  [{ Env: ["=x"] }, {}, "invalid environment variable: =x"],
  [{}, { Runtime: "x" }, "unknown or invalid runtime name: x"],
  [{}, { PortBindings: { "99999/tcp": [] } }, 'invalid port specification: "99999/tcp"'],
  [{}, { PortBindings: { "80/tcp": [{ HostPort: "90-80" }] } }, 'invalid port specification: "90-80"'],
  [{}, { PortBindings: { "80/tcp": [{ HostIp: "nowhere" }] } }, "invalid IP address: nowhere"],
  [{ ExposedPorts: { "80/xyz": {} } }, {}, 'invalid port specification: "80/xyz"'],
  [{}, { LogConfig: { Type: "json-file", Config: { foo: "1" } } }, "unknown log opt 'foo' for json-file log driver"],
  [{}, { LogConfig: { Type: "zz" as "none" } }, 'error looking up logging plugin zz: plugin "zz" not found'],
  [{}, { LogConfig: { Type: "json-file", Config: { "max-file": "0" } } }, "max-file cannot be less than 1"],
  [{}, { ExtraHosts: ["x"] }, 'bad format for add-host: "x"'],
  [{}, { ExtraHosts: ["x:y"] }, 'invalid IP address in add-host: "y"'],
  [{}, { Dns: ["x"] }, 'bad nameserver address x: ParseAddr("x"): unable to parse IP'],
  [{ MacAddress: "x" }, {}, "invalid config for network bridge: invalid MAC address x"],
  [{}, { PidMode: "container:nope" }, "No such container: nope"],
  [{}, { IpcMode: "container:nope" }, "No such container: nope"],
  [{}, { VolumesFrom: ["nope"] }, "No such container: nope"],
  [
    {},
    { LogConfig: { Type: "json-file", Config: { compress: "true", "max-size": "1m" } } },
    "compress cannot be true when max-file is less than 2 or max-size is not set",
  ],
  [
    {},
    { LogConfig: { Type: "json-file", Config: { tag: "{{.Foo}}" } } },
    'template: log-tag:1:2: executing "log-tag" at <.Foo>: can\'t evaluate field Foo in type *logger.Info',
  ],
  [{ Hostname: "x" }, { NetworkMode: "container:y" }, "conflicting options: hostname and the network mode"],
  [
    {},
    { NetworkMode: "container:y", PortBindings: { "80/tcp": [] } },
    "conflicting options: port publishing and the container type network mode",
  ],
  [{}, { VolumesFrom: ["nope"] }, "No such container: nope"],
  [{}, { Binds: ["/a:/b", "/c:/b"] }, "Duplicate mount point: /b"],
  [
    {},
    { Mounts: [{ Type: "volume", Target: "/" }] },
    "invalid mount config for type \"volume\": invalid specification: destination can't be '/'",
  ],
])("create() refuses %j %j", async (config, hostConfig, message) => {
  expect(await refusal(config, hostConfig)).toBe(message);
});

test("create() refuses an image without a command", async () => {
  await using engine = new FakeEngine();
  engine.images.set("empty", { ...IMAGE, document: { ...IMAGE.document, config: {} } });
  await expect(engine.create("web", { config: { Image: "empty" } })).rejects.toThrow("no command specified");
});

test("create() makes a volume for each path that image and user declare, unless something is mounted there", async () => {
  await using engine = new FakeEngine();
  engine.images.set("vol", {
    ...IMAGE,
    document: { ...IMAGE.document, config: { Cmd: ["x"], Volumes: { "/data/": {}, "/cache": {} } } },
  });
  await engine.create("web", {
    config: { Image: "vol" },
    hostConfig: { Tmpfs: { "/cache": "" }, Mounts: [{ Type: "volume", Target: "/extra", ReadOnly: true }] },
  });
  const { mounts } = engine.containers.get("web");
  expect(mounts.map(({ Type, Destination, RW }) => [Type, Destination, RW])).toEqual([
    ["volume", "/extra", false],
    ["volume", "/data", true],
  ]);
  expect(mounts.every(({ Source }) => existsSync(Source ?? ""))).toBe(true);
});

test("volumes are shared with --volumes-from, and go with the last container that has them", async () => {
  await using engine = new FakeEngine();
  await engine.create("web", { config: { Volumes: { "/data": {} } } });
  await engine.create("log", { hostConfig: { VolumesFrom: ["web:ro"] } });
  const [volume] = engine.containers.get("log").mounts;
  expect(volume).toMatchObject({ Type: "volume", Destination: "/data", RW: false });
  const options = { force: false, volumes: true, link: false };
  await engine.containers.remove("web", options);
  expect(existsSync(volume?.Source ?? "")).toBe(true);
  await engine.containers.remove("log", options);
  await engine.settle();
  expect(existsSync(volume?.Source ?? "")).toBe(false);
});

test("create() makes the missing sources of binds", async () => {
  await using engine = new FakeEngine();
  const source = `${engine.folder}/made/here`;
  await engine.create("web", { hostConfig: { Binds: [`${source}:/x`] } });
  expect(existsSync(source)).toBe(true);
});

test("create() gives privileged containers a cgroup namespace too, unless they ask for the host's", async () => {
  await using engine = new FakeEngine();
  await engine.create("one", { hostConfig: { Privileged: true } });
  expect(engine.containers.get("one").hostConfig.CgroupnsMode).toBe("private");
  await engine.create("two", { hostConfig: { Privileged: true, CgroupnsMode: "host" } });
  expect(engine.containers.get("two").hostConfig.CgroupnsMode).toBe("host");
});

test("create() keeps the host config with Docker's defaults", async () => {
  await using engine = new FakeEngine();
  await engine.create("web", { hostConfig: { Memory: 8388608, NetworkMode: "default", PidsLimit: -1 } });
  const { hostConfig, config, id } = engine.containers.get("web");
  expect(hostConfig).not.toHaveProperty("PidsLimit");
  expect(hostConfig).toMatchObject({
    NetworkMode: "bridge",
    IpcMode: "private",
    CgroupnsMode: "private",
    ShmSize: 67108864,
    Runtime: "tug",
    RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
    LogConfig: { Type: "json-file", Config: {} },
    MemorySwap: 16777216,
  });
  expect(hostConfig).not.toHaveProperty("Binds");
  expect(config.Hostname).toBe(id.slice(0, 12));
});
