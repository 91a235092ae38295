/** What a syslog, a GELF and a fluentd server are sent by both engines, for the same container. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { unpackAll } from "#fixtures";
import { same, sameAnswer } from "./_compare.ts";
import { type Engine, Engines } from "./_engines.ts";
import { namespaceOf } from "./_registries.ts";

let engines: Engines;
beforeAll(async () => {
  engines = await Engines.start();
});
afterEach(() => engines.clean());
afterAll(() => engines?.[Symbol.asyncDispose]());

/** A server that an engine can reach. */
class Sink implements AsyncDisposable {
  readonly #process;
  readonly #arrived: { stream?: string; datagram?: string }[] = [];
  #changed = Promise.withResolvers<void>();
  port = 0;

  private constructor(engine: Engine) {
    const enter = engine.which === "docker" ? ["nsenter", `--net=${namespaceOf(engine.socket)}`] : [];
    const script = new URL("_sink-process.ts", import.meta.url).pathname;
    this.#process = Bun.spawn([...enter, process.execPath, script], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
    });
  }

  static async start(engine: Engine): Promise<Sink> {
    const sink = new Sink(engine);
    const ready = Promise.withResolvers<void>();
    void sink.#collect(ready.resolve);
    await ready.promise;
    return sink;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#arrived.flatMap(({ stream }) => (stream ? [Buffer.from(stream, "base64")] : [])));
  }

  get datagrams(): Buffer[] {
    return this.#arrived.flatMap(({ datagram }) => (datagram ? [Buffer.from(datagram, "base64")] : []));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill();
    await this.#process.exited;
  }

  async #collect(ready: () => void): Promise<void> {
    let rest = "";
    for await (const chunk of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const told = JSON.parse(line) as { port?: number; stream?: string; datagram?: string };
        if (told.port === undefined) this.#arrived.push(told);
        else this.port = told.port;
      }
      if (this.port > 0) ready();
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }
}

/** Both streams one after the other, characters that are escaped somewhere, a line in two parts, and one without end. */
const PROGRAM = `echo 'one <&> "é"'; sleep 0.2; echo two >&2; sleep 0.2; echo; head -c 20000 /dev/zero | tr '\\0' x; echo; printf 'no end'`;

interface Container {
  readonly id: string;
  readonly imageID: string;
}

/** Runs the container with each engine's own sink, and gives what `read` makes of what came, once there are `count` of it. */
async function shipped<T>(
  driver: string,
  config: (port: number) => Record<string, string>,
  { count, read }: { count: number; read: (sink: Sink) => T[] },
): Promise<void> {
  const results = await engines.both(async (engine) => {
    await using sink = await Sink.start(engine);
    const { Id: id } = await engine.get<{ Id: string }>("POST", "/v1.51/containers/create?name=P-log", {
      Image: "IMAGE",
      Cmd: ["sh", "-c", PROGRAM],
      Env: ["STAGE=prod", "OTHER=x"],
      Labels: { tier: "db", zone: "a" },
      HostConfig: { LogConfig: { Type: driver, Config: config(sink.port) } },
    });
    await engine.get("POST", "/v1.51/containers/P-log/start");
    await engine.get("POST", "/v1.51/containers/P-log/wait");
    await sink.until(() => read(sink).length >= count);
    const { Image: imageID } = await engine.get<{ Image: string }>("GET", "/v1.51/containers/P-log/json");
    const logs = await engine.docker(["logs", "P-log"]);
    return { sent: read(sink).map((item) => neutral(engine, item, { id, imageID })), logs };
  });
  same(results);
  expect(results.tug.sent).toHaveLength(count);
}

/** Without what differs from machine to machine and from run to run. */
function neutral(engine: Engine, value: unknown, { id, imageID }: Container): unknown {
  const text = JSON.stringify(value)
    .replaceAll(id, "ID")
    .replaceAll(id.slice(0, 12), "SHORT")
    .replaceAll(imageID, "IMAGE-ID")
    .replaceAll(engine.prefix, "P-")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:]+/g, "TIME")
    .replaceAll(/(?<=TIME)\.\d{1,9}(?=Z)/g, (fraction) => (fraction.length === 7 ? ".MICRO" : ".NANO"))
    .replaceAll(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d/g, "STAMP")
    .replaceAll(/\[\d+\]:/g, "[PID]:")
    .replaceAll(/(?<=SHORT )\d+(?= SHORT)/g, "PID")
    .replaceAll(/\b1[789]\d{8}(\.\d{1,3})?\b/g, "0")
    .replaceAll(/"nanoseconds":\d+/g, '"nanoseconds":0')
    .replaceAll(/"partial_id":"[0-9a-f]{64}"/g, '"partial_id":"PART"')
    .replaceAll(/(?<=(STAMP|TIME|TIMEZ|TIME\.MICROZ) )[\w.-]+(?= SHORT)/g, "HOST")
    .replaceAll(/"host":"[^"]*"/g, '"host":"HOST"');
  return JSON.parse(text);
}

const streamLines = (sink: Sink) => sink.bytes.toString().split("\n").slice(0, -1);
const ATTRIBUTES = { labels: "tier", "labels-regex": "^z", env: "STAGE", "env-regex": "^NOPE" };

test.each(["", "rfc3164", "rfc5424", "rfc5424micro"])("syslog over tcp in the format %p", async (format) => {
  const config = (port: number) => ({ "syslog-address": `tcp://127.0.0.1:${port}`, "syslog-format": format });
  await shipped("syslog", config, { count: 5, read: streamLines });
});

test("syslog over udp, with facility and tag", async () => {
  const config = (port: number) => ({
    "syslog-address": `udp://127.0.0.1:${port}`,
    "syslog-facility": "local3",
    tag: "{{.Name}}.{{.ImageName}}.{{.DaemonName}}.{{truncate .FullID 4 | len}}",
    ...ATTRIBUTES,
  });
  await shipped("syslog", config, { count: 5, read: ({ datagrams }) => datagrams.map(String) });
});

test("gelf over tcp", async () => {
  const config = (port: number) => ({ "gelf-address": `tcp://127.0.0.1:${port}`, ...ATTRIBUTES });
  const read = ({ bytes }: Sink) => bytes.toString().split("\0").slice(0, -1).map(parseSorted);
  await shipped("gelf", config, { count: 5, read });
});

test("gelf over udp", async () => {
  const config = (port: number) => ({ "gelf-address": `udp://127.0.0.1:${port}` });
  const read = ({ datagrams }: Sink) => datagrams.map((datagram) => parseSorted(gunzipSync(datagram).toString()));
  await shipped("gelf", config, { count: 5, read });
});

test.each(["false", "true"])("fluentd (precision below a second: %s)", async (precision) => {
  const config = (port: number) => ({
    "fluentd-address": `127.0.0.1:${port}`,
    "fluentd-sub-second-precision": precision,
    tag: "docker.{{.Name}}",
    ...ATTRIBUTES,
  });
  const read = ({ bytes }: Sink) => unpackAll(bytes).map((message) => parseSorted(JSON.stringify(message)));
  await shipped("fluentd", config, { count: 6, read });
});

/** Members of objects in the order of their names: no receiver looks at another one. */
function parseSorted(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

test.each([
  ["json-file", { mode: "foo" }],
  ["json-file", { "max-buffer-size": "4m" }],
  ["json-file", { mode: "non-blocking", "max-buffer-size": "x" }],
  ["json-file", { "cache-disabled": "x" }],
  ["local", { foo: "q" }],
  ["local", { labels: "q" }],
  ["syslog", { foo: "q" }],
  ["syslog", { "syslog-address": "foo" }],
  ["syslog", { "syslog-address": "unix:///nope" }],
  ["syslog", { "syslog-address": "tcp://127.0.0.1:1:2" }],
  ["syslog", { "syslog-facility": "24" }],
  ["syslog", { "syslog-format": "foo" }],
  ["gelf", {}],
  ["gelf", { "gelf-address": "udp://foo" }],
  ["gelf", { "gelf-address": "udp://h:1", foo: "1" }],
  ["gelf", { "gelf-address": "tcp://h:1", "gelf-compression-type": "gzip" }],
  ["gelf", { "gelf-address": "tcp://h:1", "gelf-tcp-max-reconnect": "-1" }],
  ["fluentd", { "fluentd-address": "tcp://h:1/path" }],
  ["fluentd", { "fluentd-address": "a:x" }],
  ["fluentd", { "fluentd-async": "x" }],
  ["fluentd", { "fluentd-async-connect": "true" }],
  ["fluentd", { "fluentd-write-timeout": "x" }],
  ["journald", { foo: "1" }],
] as const)("%s refuses %j", async (driver, options) => {
  await sameAnswer(engines, "POST", "/v1.51/containers/create?name=P-refused", {
    Image: "IMAGE",
    HostConfig: { LogConfig: { Type: driver, Config: options } },
  });
});
