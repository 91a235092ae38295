import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, startTestEngine, type TestEngine } from "../../_test-engine.ts";
import { testIo } from "../../_test-io.ts";
import { runCli } from "../../run-cli.ts";

const root = mkdtempSync(join(tmpdir(), "tug-login-"));
afterAll(() => rmSync(root, { recursive: true }));
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(root, "config-"));
});

const AUTH = btoa("tester:secret");
const succeeds = (token = ""): Answer => {
  return () => Response.json({ Status: "Login Succeeded", IdentityToken: token });
};
const refuses: Answer = () => Response.json({ message: "incorrect username or password" }, { status: 401 });

function configured(config: object): void {
  writeFileSync(join(directory, "config.json"), JSON.stringify(config));
}

function configNow(): unknown {
  const path = join(directory, "config.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

interface Typed {
  readonly stdin?: string;
  readonly env?: Record<string, string>;
  /** What is typed at each question; then stdin is a terminal. */
  readonly answers?: readonly string[];
}

async function run(engine: TestEngine, argv: readonly string[], { stdin = "", env = {}, answers }: Typed = {}) {
  const io = testIo({ env: { DOCKER_CONFIG: directory, PATH: "", TUG_HOST: engine.host, ...env }, stdin });
  const left = [...(answers ?? [])];
  const modes: string[] = [];
  const terminal = {
    ...io.stdin,
    isTerminal: true,
    async *read() {
      yield Buffer.from(`${left.shift()}\n`);
    },
    hideTyping: async () => {
      modes.push("hidden");
      return { [Symbol.dispose]: () => void modes.push("shown") };
    },
  };
  const exit = await runCli(argv, answers === undefined ? io : { ...io, stdin: terminal });
  return { exit, ...io.written, modes };
}

describe("tug login", () => {
  test("sends what was given, and keeps it", async () => {
    using engine = startTestEngine(succeeds());
    const { stdout, exit } = await run(engine, ["login", "-u", "tester", "--password-stdin", "https://r.test/v2/"], {
      stdin: "secret\r\n",
    });
    expect({ stdout, exit }).toEqual({ stdout: "Login Succeeded\n", exit: 0 });
    const body = { username: "tester", password: "secret", serveraddress: "r.test" };
    expect(engine.requests).toEqual([{ method: "POST", path: "/auth", body }]);
    expect(configNow()).toEqual({ auths: { "r.test": { auth: AUTH } } });
  });

  test("keeps a token in place of the password", async () => {
    using engine = startTestEngine(succeeds("refresh"));
    await run(engine, ["login", "-u", "tester", "--password-stdin", "r.test"], { stdin: "secret" });
    expect(configNow()).toEqual({ auths: { "r.test": { auth: btoa("tester:"), identitytoken: "refresh" } } });
  });

  test("keeps nothing that was refused", async () => {
    using engine = startTestEngine(refuses);
    const { stderr, exit } = await run(engine, ["login", "-u", "tester", "--password-stdin", "r.test"], { stdin: "x" });
    expect({ stderr, exit }).toEqual({
      stderr: "Error response from daemon: incorrect username or password\n",
      exit: 1,
    });
    expect(configNow()).toBeUndefined();
  });

  test("asks for what is missing, the password in the dark", async () => {
    using engine = startTestEngine(succeeds());
    const { stdout, modes } = await run(engine, ["login", "r.test"], { answers: ["tester", "secret"] });
    expect(stdout).toBe("Username: Password: \nLogin Succeeded\n");
    expect(modes).toEqual(["hidden", "shown"]);
    expect(configNow()).toEqual({ auths: { "r.test": { auth: AUTH } } });
  });

  test("is to Docker Hub unless told, and says where one gets an account", async () => {
    using engine = startTestEngine(succeeds());
    const { stdout } = await run(engine, ["login"], { answers: ["tester", "secret"] });
    expect(stdout).toStartWith("Log in with your Docker ID or email address");
    expect(configNow()).toEqual({ auths: { "https://index.docker.io/v1/": { auth: AUTH } } });
  });

  test.each([
    [["", ""], "Error: Non-null Username Required"],
    [["tester", ""], "Error: Password Required"],
  ])("does not go on with %j", async (answers, message) => {
    using engine = startTestEngine(succeeds());
    const { stderr, exit } = await run(engine, ["login", "r.test"], { answers });
    expect({ stderr, exit }).toEqual({ stderr: `${message}\n`, exit: 1 });
    expect(engine.requests).toEqual([]);
  });

  test("tries the login that is there", async () => {
    configured({ auths: { "r.test": { auth: AUTH } } });
    using engine = startTestEngine(succeeds());
    const { stdout, stderr } = await run(engine, ["login", "r.test"]);
    expect(stdout).toBe("Login Succeeded\n");
    expect(stderr).toStartWith("Authenticating with existing credentials... [Username: tester]\n");
  });

  test("asks anew when that one holds no more", async () => {
    configured({ auths: { "r.test": { auth: AUTH } } });
    let requests = 0;
    using engine = startTestEngine((request) => (requests++ === 0 ? refuses(request) : succeeds()(request)));
    const { stdout, stderr } = await run(engine, ["login", "r.test"], { answers: ["", "better"] });
    expect(stderr).toContain("Stored credentials invalid or expired\n");
    expect(stdout).toBe("Username (tester): Password: \nLogin Succeeded\n");
    expect(configNow()).toEqual({ auths: { "r.test": { auth: btoa("tester:better") } } });
  });

  test("tells that a helper could not keep it", async () => {
    configured({ credsStore: "nope" });
    using engine = startTestEngine(succeeds());
    const { stderr, exit } = await run(engine, ["login", "-u", "a", "--password-stdin", "r.test"], {
      stdin: "hunter2",
    });
    expect(exit).toBe(1);
    expect(stderr).toStartWith("Error saving credentials: error storing credentials - err: exec: ");
    expect(stderr).not.toContain("hunter2");
  });

  test("warns that the environment holds a login that goes before", async () => {
    using engine = startTestEngine(succeeds());
    const env = { DOCKER_AUTH_CONFIG: '{"auths":{}}' };
    for (const argv of [
      ["login", "-u", "a", "--password-stdin", "r.test"],
      ["logout", "r.test"],
    ]) {
      const { stderr } = await run(engine, argv, { stdin: "b", env });
      expect(stderr).toContain("WARNING: DOCKER_AUTH_CONFIG is set and takes precedence.\n");
    }
  });
});

describe("tug logout", () => {
  test("forgets a registry under all the names that programs gave it", async () => {
    const auths = { "r.test": {}, "https://r.test": {}, "http://r.test/v1/": {}, "other.test": {} };
    configured({ auths });
    using engine = startTestEngine(succeeds());
    const { stdout } = await run(engine, ["logout", "http://r.test/v1/"]);
    expect(stdout).toBe("Removing login credentials for r.test\n");
    expect(configNow()).toEqual({ auths: { "other.test": {} } });
  });

  test("tells when nothing could be forgotten", async () => {
    configured({ credsStore: "nope" });
    using engine = startTestEngine(succeeds());
    const { stderr, exit } = await run(engine, ["logout", "r.test"]);
    expect(exit).toBe(0);
    expect(stderr).toStartWith(
      "WARNING: could not erase credentials:\nr.test: error erasing credentials - err: exec: ",
    );
  });
});

test("completion offers the registries that there is a login for", async () => {
  configured({ auths: { "r.test": {}, "other.test": {} } });
  using engine = startTestEngine(succeeds());
  const { stdout } = await run(engine, ["__complete", "--", "logout", ""]);
  expect(stdout).toBe("other.test\t\nr.test\t\n:words\n");
});

test("a pull and a push send the login of their registry", async () => {
  configured({ auths: { "r.test": { auth: AUTH } } });
  const seen: (string | null)[] = [];
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      if (request.method === "POST") seen.push(request.headers.get("x-registry-auth"));
      return new Response('{"status":"done"}\n', { headers: { "Api-Version": "1.51" } });
    },
  });
  const engine = { host: `tcp://127.0.0.1:${server.port}` } as TestEngine;
  for (const argv of [
    ["pull", "-q", "r.test/a"],
    ["push", "-q", "r.test/a"],
    ["pull", "-q", "other.test/a"],
  ]) {
    expect((await run(engine, argv)).exit).toBe(0);
  }
  const login = { username: "tester", password: "secret", serveraddress: "r.test" };
  const decoded = seen.map((text) => JSON.parse(Buffer.from(text ?? "", "base64").toString()) as object);
  expect(decoded).toEqual([login, login, {}]);
});
