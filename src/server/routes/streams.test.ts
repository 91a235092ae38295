import { describe, expect, test } from "bun:test";
import { Duplex, PassThrough } from "node:stream";
import type { AttachRequest, Containers, Exec, LogsRequest } from "#core/containers";
import { EngineError } from "#lib/errors";
import type { HttpResponse } from "#lib/http";
import { encodeFrame } from "#lib/stream";
import { call, container, requestOf, testApi } from "../_testing.ts";

const RAW = "application/vnd.docker.raw-stream";
const MULTIPLEXED = "application/vnd.docker.multiplexed-stream";
const UPGRADE = { connection: "Upgrade", upgrade: "tcp" };

/** What a client of a hijacked response reads after the head, when it sends nothing. */
async function streamOf(response: HttpResponse): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const connection = new Duplex({
    read() {
      this.push(null);
    },
    write(chunk, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await response.hijack?.(connection);
  return Buffer.concat(chunks);
}

function said(text: Buffer | string): Duplex {
  const stdio = new PassThrough();
  stdio.end(text);
  return stdio;
}

describe("POST /containers/{id}/attach", () => {
  const attaching = (tty: boolean, attach: Containers["attach"] = async () => said("hello")) =>
    testApi({ containers: { get: () => container({ config: { Tty: tty } }), attach } }).api;

  test.each([
    ["/v1.51", false, UPGRADE, 101, MULTIPLEXED],
    ["/v1.51", true, UPGRADE, 101, RAW],
    ["/v1.41", false, UPGRADE, 101, RAW],
    ["/v1.51", false, {}, 200, RAW],
    ["/v1.51", false, { upgrade: "anything" }, 101, MULTIPLEXED],
  ])("%s with terminal %p and headers %j answers %i as %s", async (version, tty, headers, status, type) => {
    const line = `POST ${version}/containers/a/attach?stream=1&stdout=1`;
    const response = await attaching(tty)(requestOf(line, { headers: headers as Record<string, string> }));
    expect(response.status).toBe(status);
    expect(response.headers["Content-Type"]).toBe(type);
    if (status === 101)
      expect(response).toMatchObject({ reason: "UPGRADED", headers: { Connection: "Upgrade", Upgrade: "tcp" } });
    expect((await streamOf(response)).toString()).toBe("hello");
  });

  test("hands on what the client asks for", async () => {
    const asked: AttachRequest[] = [];
    const api = attaching(true, async (_, request) => {
      asked.push(request);
      return said("");
    });
    await api(requestOf("POST /containers/a/attach?stream=1&stdin=1&stdout=1&logs=1&detachKeys=ctrl-a,x", {}));
    const rest = { stderr: false, logs: true, stream: true, detachKeys: "ctrl-a,x" };
    expect(asked).toEqual([{ stdin: true, stdout: true, ...rest }]);
  });

  test("answers errors as bare text, as Docker does", async () => {
    const api = attaching(false, () => Promise.reject(new EngineError("conflict", "container a is paused")));
    const answer = await call(api, "POST /containers/a/attach", { headers: UPGRADE });
    expect(answer).toMatchObject({ status: 409, text: "container a is paused\r\n", headers: { "Content-Type": RAW } });
  });
});

describe("GET /containers/{id}/attach/ws", () => {
  const HANDSHAKE = {
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };

  test("sends the bare output in binary frames", async () => {
    const frames = Buffer.concat([encodeFrame("stdout", "out"), encodeFrame("stderr", "err")]);
    const { api } = testApi({ containers: { get: () => container(), attach: async () => said(frames) } });
    const response = await api(requestOf("GET /containers/a/attach/ws?stream=1&stdout=1", { headers: HANDSHAKE }));
    expect(response).toMatchObject({
      status: 101,
      headers: { "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" },
    });
    expect((await streamOf(response)).toString("latin1")).toBe("\x82\x03out\x82\x03err\x88\x02\x03\xe8");
  });

  test.each([
    ["/v1.41", { stdin: true, stdout: true, stderr: true }],
    ["/v1.42", { stdin: false, stdout: true, stderr: false }],
  ])("%s attaches to %j", async (version, streams) => {
    const asked: AttachRequest[] = [];
    const attach: Containers["attach"] = async (_, request) => {
      asked.push(request);
      return said("");
    };
    const { api } = testApi({ containers: { get: () => container(), attach } });
    await api(requestOf(`GET ${version}/containers/a/attach/ws?stdout=1`, { headers: HANDSHAKE }));
    expect(asked).toMatchObject([streams]);
  });

  test("refuses what is no WebSocket", async () => {
    const { api } = testApi({ containers: { get: () => container() } });
    expect((await call(api, "GET /containers/a/attach/ws")).status).toBe(400);
  });
});

describe("GET /containers/{id}/logs", () => {
  const logging = (asked: LogsRequest[] = [], tty = false) =>
    testApi({
      containers: {
        get: () => container({ config: { Tty: tty } }),
        logs: async (_, request) => {
          asked.push(request);
          return (async function* () {
            yield Buffer.from("line");
          })();
        },
      },
    }).api;

  test.each([
    ["?stdout=1", { stdout: true, stderr: false, follow: false, tail: -1, since: "", timestamps: false }],
    ["?stderr=1&tail=all&follow=1", { stderr: true, follow: true, tail: -1 }],
    ["?stdout=1&tail=5&timestamps=1&details=1", { tail: 5, timestamps: true, details: true }],
    ["?stdout=1&tail=-3&since=1.5&until=2", { tail: -1, since: "1.5", until: "2" }],
    ["?stdout=1&tail=x", { tail: -1 }],
  ])("asks for %s", async (query, expected) => {
    const asked: LogsRequest[] = [];
    expect(await call(logging(asked), `GET /containers/a/logs${query}`)).toMatchObject({ status: 200, text: "line" });
    expect(asked).toMatchObject([expected]);
  });

  test.each([
    ["/v1.51", false, MULTIPLEXED],
    ["/v1.51", true, RAW],
    ["/v1.41", false, RAW],
  ])("%s with terminal %p is announced as %s", async (version, tty, type) => {
    const { headers } = await call(logging([], tty), `GET ${version}/containers/a/logs?stdout=1`);
    expect(headers["Content-Type"]).toBe(type);
  });

  test("only a followed log has no end", async () => {
    const api = logging();
    expect((await api(requestOf("GET /containers/a/logs?stdout=1", {}))).endless).toBe(false);
    expect((await api(requestOf("GET /containers/a/logs?stdout=1&follow=1", {}))).endless).toBe(true);
  });

  test("refuses to show nothing", async () => {
    const message = "Bad parameters: you must choose at least one stream";
    expect(await call(logging(), "GET /containers/a/logs")).toMatchObject({
      status: 400,
      text: `${JSON.stringify({ message })}\n`,
    });
  });
});

describe("exec", () => {
  const exec: Exec = {
    id: "e1",
    containerID: container().id,
    config: {
      command: ["sh", "-c", "x"],
      tty: false,
      attachStdin: true,
      attachStdout: true,
      attachStderr: false,
      detachKeys: "",
      privileged: false,
      user: "",
      workingDir: "",
      env: [],
    },
    state: { status: "created" },
  };

  test("POST /containers/{id}/exec hands on the config", async () => {
    const created: unknown[] = [];
    const { api } = testApi({
      containers: {
        createExec: async (...details) => {
          created.push(details);
          return "e1";
        },
      },
    });
    const body = {
      Cmd: ["sh"],
      Tty: true,
      AttachStdin: true,
      ConsoleSize: [24, 80],
      Env: ["A=b"],
      User: "1",
      WorkingDir: "/",
    };
    expect(await call(api, "POST /containers/a/exec", { body })).toMatchObject({ status: 201, text: '{"Id":"e1"}\n' });
    const config = {
      ...exec.config,
      command: ["sh"],
      tty: true,
      attachStdout: false,
      env: ["A=b"],
      user: "1",
      workingDir: "/",
    };
    expect(created).toEqual([["a", { ...config, consoleSize: { height: 24, width: 80 } }]]);
    await call(api, "POST /v1.41/containers/a/exec", { body });
    expect(created[1]).toEqual(["a", config]);
  });

  test.each(["", "{}", '{"Cmd":[]}'])("POST /containers/{id}/exec refuses %j", async (body) => {
    const headers = { "content-type": "application/json" };
    const answer = await call(testApi().api, "POST /containers/a/exec", { body, headers });
    expect(answer).toMatchObject({ status: 400, text: '{"message":"No exec command specified"}\n' });
  });

  const starting = (stdio: () => Promise<Duplex | undefined>) =>
    testApi({ containers: { getExec: () => exec, startExec: async () => ({ stdio: stdio() }) } }).api;

  test("POST /exec/{id}/start streams what the process says", async () => {
    const response = await starting(async () => said("out"))(
      requestOf("POST /exec/e1/start", { body: {}, headers: UPGRADE }),
    );
    expect(response).toMatchObject({ status: 101, headers: { "Content-Type": MULTIPLEXED } });
    expect((await streamOf(response)).toString()).toBe("out");
  });

  test("POST /exec/{id}/start keeps the output back until docker-py has read the head", async () => {
    const headers = { ...UPGRADE, "user-agent": "docker-sdk-python/7.1.0" };
    const response = await starting(async () => said("out"))(requestOf("POST /exec/e1/start", { body: {}, headers }));
    const before = performance.now();
    expect((await streamOf(response)).toString()).toBe("out");
    expect(performance.now() - before).toBeGreaterThan(10);
  });

  test("POST /exec/{id}/start answers empty when detached", async () => {
    const api = starting(async () => undefined);
    expect(await call(api, "POST /exec/e1/start", { body: { Detach: true } })).toMatchObject({ status: 200, text: "" });
  });

  test.each([
    [false, "\x01\x00\x00\x00\x00\x00\x00\x0bnot found\r\n"],
    [true, "not found\r\n"],
  ])("POST /exec/{id}/start tells of a failed start in the stream (terminal %p)", async (tty, expected) => {
    const api = starting(() => Promise.reject(new EngineError("invalid-parameter", "not found")));
    const response = await api(requestOf("POST /exec/e1/start", { body: { Tty: tty }, headers: UPGRADE }));
    expect(response.status).toBe(101);
    expect((await streamOf(response)).toString("latin1")).toBe(expected);
  });

  test.each([
    ["a second start", false, 409],
    ["a second start", true, 409],
  ])("POST /exec/{id}/start answers %s (detached: %p) with a status", async (_, Detach, status) => {
    const startExec: Containers["startExec"] = () => Promise.reject(new EngineError("conflict", "no"));
    const { api } = testApi({ containers: { getExec: () => exec, startExec } });
    const answer = await call(api, "POST /exec/e1/start", { body: { Detach } });
    expect(answer).toMatchObject({ status, text: '{"message":"no"}\n' });
  });

  test("POST /exec/{id}/start answers a failed start with a status when detached", async () => {
    const api = starting(() => Promise.reject(new EngineError("invalid-parameter", "no")));
    const answer = await call(api, "POST /exec/e1/start", { body: { Detach: true } });
    expect(answer).toMatchObject({ status: 400, text: '{"message":"no"}\n' });
  });

  test("POST /exec/{id}/start answers before the process runs", async () => {
    const running = Promise.withResolvers<Duplex>();
    const api = starting(() => running.promise);
    const response = await api(requestOf("POST /exec/e1/start", { body: {}, headers: UPGRADE }));
    expect(response.status).toBe(101);
    running.resolve(said("later"));
    expect((await streamOf(response)).toString()).toBe("later");
  });

  test.each([
    [{ status: "created" }, { Running: false, ExitCode: null, CanRemove: false, Pid: 0 }],
    [
      { status: "running", pid: 7 },
      { Running: true, ExitCode: null, CanRemove: false, Pid: 7 },
    ],
    [
      { status: "exited", pid: 7, exitCode: 3 },
      { Running: false, ExitCode: 3, CanRemove: false, Pid: 7 },
    ],
  ] as const)("GET /exec/{id}/json of one that is %j", async (state, expected) => {
    const { api } = testApi({ containers: { getExec: () => ({ ...exec, state }) } });
    expect(JSON.parse((await call(api, "GET /exec/e1/json")).text)).toEqual({
      ID: "e1",
      ProcessConfig: { tty: false, entrypoint: "sh", arguments: ["-c", "x"], privileged: false },
      OpenStdin: true,
      OpenStderr: false,
      OpenStdout: true,
      ContainerID: container().id,
      DetachKeys: "",
      ...expected,
    });
  });
});

describe.each(["/containers/a/resize", "/exec/a/resize"])("POST %s", (path) => {
  const sizes: unknown[] = [];
  const resize = async (_: string, size: unknown) => void sizes.push(size);
  const { api } = testApi({ containers: { resize, resizeExec: resize } });

  test("hands on the size", async () => {
    expect((await call(api, `POST ${path}?h=24&w=80`)).status).toBe(200);
    expect(sizes.at(-1)).toEqual({ height: 24, width: 80 });
  });

  test.each([
    ["", 'invalid resize height "": invalid syntax'],
    ["?h=x&w=1", 'invalid resize height "x": invalid syntax'],
    ["?h=1&w=-1", 'invalid resize width "-1": invalid syntax'],
    ["?h=1&w=65536", 'invalid resize width "65536": value out of range'],
  ])("refuses %j", async (query, message) => {
    expect(await call(api, `POST ${path}${query}`)).toMatchObject({
      status: 400,
      text: `${JSON.stringify({ message })}\n`,
    });
  });
});
