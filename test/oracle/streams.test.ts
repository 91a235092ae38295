/** Hijacked connections byte by byte: attach, exec, logs, terminals. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { FrameDecoder } from "#lib/stream";
import { same, sameAnswer, shown } from "./_compare.ts";
import { type Engine, Engines } from "./_engines.ts";
import { parseAnswer, RawStream } from "./_http.ts";
import { normaliseText } from "./_normalise.ts";

let engines: Engines;
beforeAll(async () => {
  engines = await Engines.start();
});
afterEach(() => engines.clean());
afterAll(() => engines?.[Symbol.asyncDispose]());

const UPGRADE = ["Upgrade: tcp", "Connection: Upgrade"];

/** A connection on which a request was sent; it is closed with the test. */
async function open(engine: Engine, target: string, options: { upgrade?: boolean; body?: object } = {}) {
  const stream = await RawStream.open(engine.socket);
  const body = options.body === undefined ? "" : JSON.stringify(options.body);
  const head = [
    `POST ${engine.expand(target)} HTTP/1.1`,
    "Host: docker",
    ...(options.upgrade === false ? [] : UPGRADE),
    ...(body ? ["Content-Type: application/json", `Content-Length: ${body.length}`] : []),
  ];
  stream.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  return Object.assign(stream, { [Symbol.dispose]: () => stream.close() });
}

/** The head as it came, less what tug says besides, and the output: what came on each stream, frames put together. */
function told(engine: Engine, bytes: Buffer, tty = false): unknown {
  const { status, headers, body } = parseAnswer(bytes);
  const { "content-type": type, connection, upgrade } = headers;
  return { status, type, connection, upgrade, output: tty ? normaliseText(engine, body) : outputOf(engine, body) };
}

function outputOf(engine: Engine, body: string): unknown {
  const output: Record<string, string> = {};
  for (const { stream, payload } of new FrameDecoder().decode(Buffer.from(body, "latin1"))) {
    output[stream] = (output[stream] ?? "") + payload.toString();
  }
  return Object.fromEntries(Object.entries(output).map(([stream, text]) => [stream, normaliseText(engine, text)]));
}

const create = (engine: Engine, name: string, body: object) =>
  engine.get("POST", `/containers/create?name=P-${name}`, { Image: "IMAGE", ...body });

test.each([
  ["1.51", true],
  ["1.51", false],
  ["1.41", true],
] as const)("attach of version %s (upgrade: %p) sees all from the start", async (version, upgrade) => {
  same(
    await engines.both(async (engine) => {
      await create(engine, "a", { Cmd: ["sh", "-c", "echo out; echo err >&2; exit 3"] });
      using stream = await open(engine, `/v${version}/containers/P-a/attach?stream=1&stdout=1&stderr=1`, { upgrade });
      await stream.until("\r\n\r\n");
      await engine.get("POST", "/containers/P-a/start");
      const live = told(engine, await stream.rest());
      using replay = await open(engine, `/v${version}/containers/P-a/attach?logs=1&stdout=1&stderr=1`, { upgrade });
      return { live, replay: told(engine, await replay.rest()) };
    }),
  );
});

test("attach: stdin and its end", async () => {
  same(
    await engines.both(async (engine) => {
      await create(engine, "a", {
        Cmd: ["sh", "-c", "cat; echo end"],
        OpenStdin: true,
        StdinOnce: true,
        AttachStdin: true,
      });
      using stream = await open(engine, "/v1.51/containers/P-a/attach?stream=1&stdin=1&stdout=1&stderr=1");
      await stream.until("\r\n\r\n");
      await engine.get("POST", "/containers/P-a/start");
      stream.write("hello\n");
      await stream.until("hello\n");
      stream.half();
      return told(engine, await stream.rest());
    }),
  );
});

test("attach: a terminal, its size, and keys that leave it", async () => {
  same(
    await engines.both(async (engine) => {
      const Cmd = ["sh", "-c", "stty size; while read line; do echo got $line; stty size; done"];
      await create(engine, "a", { Cmd, OpenStdin: true, Tty: true, HostConfig: { ConsoleSize: [11, 22] } });
      using stream = await open(engine, "/v1.51/containers/P-a/attach?stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,b");
      await stream.until("\r\n\r\n");
      await engine.get("POST", "/containers/P-a/start");
      await stream.until("11 22\r\n");
      const sizes: unknown[] = [];
      for (const size of ["h=10&w=20", "h=x&w=20", "h=1", ""]) {
        sizes.push(shown(engine, await engine.send("POST", `/v1.51/containers/P-a/resize?${size}`)));
      }
      stream.write("a\n");
      await stream.until("10 20\r\n");
      stream.write("\x01b");
      const first = told(engine, await stream.rest(), true);
      using again = await open(engine, "/v1.51/containers/P-a/attach?stream=1&stdin=1&stdout=1");
      await again.until("\r\n\r\n");
      again.write("b\n");
      await again.until("10 20\r\n");
      again.write("\x10\x11");
      const second = told(engine, await again.rest(), true);
      const { State } = await engine.get<{ State: { Running: boolean } }>("GET", "/containers/P-a/json");
      return { sizes, first, second, running: State.Running };
    }),
  );
});

test.each([
  "/v1.51/containers/P-absent/attach?stream=1&stdout=1",
  "/v1.51/containers/P-a/attach?stream=1&stdout=1&detachKeys=nope",
])("attach refuses alike: %s", async (target) => {
  same(
    await engines.both(async (engine) => {
      await create(engine, "a", {});
      using stream = await open(engine, target);
      const { status, body } = parseAnswer(await stream.until("\r\n\r\n").then(() => stream.until("\r\n\r\n")));
      return { status, body: normaliseText(engine, body).trim() || "later" };
    }),
  );
});

const EXECS: readonly (readonly [about: string, config: Record<string, unknown>])[] = [
  [
    "both streams and a code",
    { Cmd: ["sh", "-c", "echo out; echo err >&2; exit 3"], AttachStdout: true, AttachStderr: true },
  ],
  ["variables", { Cmd: ["sh", "-c", "env | sort"], Env: ["X=y", "FOO=baz"], AttachStdout: true }],
  ["a terminal", { Cmd: ["sh", "-c", "env | sort; tty"], Tty: true, AttachStdout: true }],
  [
    "a terminal's size",
    { Cmd: ["stty", "size"], Tty: true, AttachStdout: true, AttachStdin: true, ConsoleSize: [11, 22] },
  ],
  ["the container's user", { Cmd: ["id"], AttachStdout: true }],
  ["another user and group", { Cmd: ["sh", "-c", "id; echo $HOME"], AttachStdout: true, User: "root:wheel" }],
  ["a user by number", { Cmd: ["sh", "-c", "id; echo $HOME"], AttachStdout: true, User: "4242" }],
  ["a folder", { Cmd: ["pwd"], WorkingDir: "/var", AttachStdout: true }],
  ["no such program", { Cmd: ["nosuch"], AttachStdout: true, AttachStderr: true }],
  ["a directory as program", { Cmd: ["/etc"], AttachStdout: true }],
  ["no such folder", { Cmd: ["true"], WorkingDir: "/nosuch", AttachStdout: true }],
  ["an end by a signal", { Cmd: ["sh", "-c", "kill -9 $$"], AttachStdout: true }],
  [
    "all rights",
    { Cmd: ["grep", "-E", "Cap|Seccomp:|NoNew", "/proc/self/status"], Privileged: true, AttachStdout: true, User: "0" },
  ],
  ["root's rights", { Cmd: ["grep", "-E", "Cap|Seccomp:|NoNew", "/proc/self/status"], AttachStdout: true, User: "0" }],
  ["a user's rights", { Cmd: ["grep", "-E", "Cap|Seccomp:|NoNew", "/proc/self/status"], AttachStdout: true }],
];
const EXECED = { Cmd: ["sleep", "600"], Env: ["FOO=bar"], User: "test", WorkingDir: "/tmp" };

test.each(EXECS)("exec: %s", async (_, config) => {
  same(
    await engines.both(async (engine) => {
      await create(engine, "x", EXECED);
      await engine.get("POST", "/containers/P-x/start");
      const { Id } = await engine.get<{ Id: string }>("POST", "/v1.51/containers/P-x/exec", config);
      const before = shown(engine, await engine.send("GET", `/v1.51/exec/${Id}/json`));
      const tty = config.Tty === true;
      using stream = await open(engine, `/v1.51/exec/${Id}/start`, { body: { Detach: false, Tty: tty } });
      const output = told(engine, await stream.rest(), tty);
      const after = shown(engine, await engine.send("GET", `/v1.51/exec/${Id}/json`));
      const again = shown(engine, await engine.send("POST", `/v1.51/exec/${Id}/start`, { Detach: true }));
      return { before, output, after, again };
    }),
  );
});

test("exec: stdin, detached, without upgrade, of an older version, and resized", async () => {
  same(
    await engines.both(async (engine) => {
      await create(engine, "x", EXECED);
      await engine.get("POST", "/containers/P-x/start");
      const exec = async (config: object) =>
        (await engine.get<{ Id: string }>("POST", "/v1.51/containers/P-x/exec", config)).Id;
      const streams: unknown[] = [];
      const cat = await exec({ Cmd: ["sh", "-c", "cat; echo end"], AttachStdin: true, AttachStdout: true });
      using input = await open(engine, `/v1.51/exec/${cat}/start`, { body: {} });
      await input.until("\r\n\r\n");
      input.write("abc");
      input.half();
      streams.push(told(engine, await input.rest()));
      for (const [version, upgrade] of [
        ["1.51", false],
        ["1.41", true],
      ] as const) {
        const echo = await exec({ Cmd: ["echo", "hi"], AttachStdout: true });
        using output = await open(engine, `/v${version}/exec/${echo}/start`, { body: {}, upgrade });
        streams.push(told(engine, await output.rest()));
      }
      const shell = await exec({
        Cmd: ["sh", "-c", "read a; stty size"],
        AttachStdin: true,
        AttachStdout: true,
        Tty: true,
      });
      using terminal = await open(engine, `/v1.51/exec/${shell}/start`, { body: { Tty: true } });
      await terminal.until("\r\n\r\n");
      const resized = shown(engine, await engine.send("POST", `/v1.51/exec/${shell}/resize?h=5&w=6`));
      terminal.write("\n");
      streams.push(told(engine, await terminal.rest(), true));
      const detached = shown(
        engine,
        await engine.send("POST", `/v1.51/exec/${await exec({ Cmd: ["true"] })}/start`, { Detach: true }),
      );
      const lost = await exec({ Cmd: ["nosuch"] });
      const failed = shown(engine, await engine.send("POST", `/v1.51/exec/${lost}/start`, { Detach: true }));
      const code = shown(engine, await engine.send("GET", `/v1.51/exec/${lost}/json`));
      return { streams, resized, detached, failed, code };
    }),
  );
});

test("exec: what is refused", async () => {
  await engines.both(async (engine) => {
    await create(engine, "x", EXECED);
    await engine.get("POST", "/containers/P-x/start");
  });
  for (const body of [{}, { Cmd: [] }, { Cmd: ["true"], User: "nosuch" }, { Cmd: "sh" }]) {
    await sameAnswer(engines, "POST", "/v1.51/containers/P-x/exec", body);
  }
  for (const [method, path, body] of [
    ["GET", "json"],
    ["POST", "start", {}],
    ["POST", "resize?h=1&w=1"],
  ] as const) {
    await sameAnswer(engines, method, `/v1.51/exec/nope/${path}`, body);
  }
});

const LOGS = [
  "stdout=1&stderr=1",
  "stdout=1",
  "stderr=1",
  "",
  "stdout=1&tail=1",
  "stdout=1&tail=0",
  "stdout=1&tail=all",
  "stdout=1&tail=x",
  "stdout=1&tail=-3",
  "stdout=1&timestamps=1",
  "stdout=1&since=9999999999",
  "stdout=1&since=1.5",
  "stdout=1&since=x",
  "stdout=1&until=1",
  "stdout=1&until=x",
  "stdout=1&follow=1",
  "stdout=true&details=1",
  "stdout=0&stderr=yes",
];

test("logs in all their forms", async () => {
  await engines.both(async (engine) => {
    const script = "for i in 1 2 3; do echo o$i; echo e$i >&2; done; printf partial";
    await create(engine, "l", { Cmd: ["sh", "-c", script], Labels: { a: "b" } });
    await engine.get("POST", "/containers/P-l/start");
    await engine.get("POST", "/containers/P-l/wait");
  });
  for (const query of LOGS) {
    const { tug, docker } = await engines.both(async (engine) => {
      const { status, headers, body } = await engine.send("GET", `/v1.51/containers/P-l/logs?${query}`);
      const output = status === 200 ? outputOf(engine, body) : normaliseText(engine, body);
      return { query, status, type: headers["content-type"], output };
    });
    same({ tug, docker });
  }
  for (const version of ["1.24", "1.41", "1.42"]) {
    const types = await engines.both(async (engine) => {
      const { headers } = await engine.send("GET", `/v${version}/containers/P-l/logs?stdout=1`);
      return headers["content-type"];
    });
    expect(types.tug).toBe(types.docker as string);
  }
});

test("logs: one frame a line, a terminal's as they are, none of the driver none", async () => {
  await engines.both(async (engine) => {
    await create(engine, "tty", { Cmd: ["sh", "-c", "echo a; echo b >&2"], Tty: true });
    await create(engine, "lines", { Cmd: ["printf", "a\\nb\\n\\nc"] });
    await create(engine, "none", { Cmd: ["echo", "x"], HostConfig: { LogConfig: { Type: "none" } } });
    for (const name of ["tty", "lines", "none"]) {
      await engine.get("POST", `/containers/P-${name}/start`);
      await engine.get("POST", `/containers/P-${name}/wait`);
    }
  });
  for (const name of ["tty", "lines", "none"]) {
    await sameAnswer(engines, "GET", `/v1.51/containers/P-${name}/logs?stdout=1&stderr=1`);
  }
});
