/** The life of a container through the API: every state as inspect shows it, and every verb in every state. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { same, sameAnswer, shown } from "./_compare.ts";
import { Engines } from "./_engines.ts";

let engines: Engines;
beforeAll(async () => {
  engines = await Engines.start();
});
afterEach(() => engines.clean());
afterAll(() => engines?.[Symbol.asyncDispose]());

const SLEEP = { Image: "IMAGE", Cmd: ["sleep", "600"] };
const VERBS: readonly (readonly [method: string, path: string, body?: unknown])[] = [
  ["GET", "json"],
  ["POST", "start"],
  ["POST", "stop?t=0"],
  ["POST", "kill"],
  ["POST", "kill?signal=NOPE"],
  ["POST", "kill?signal=0"],
  ["POST", "kill?signal=99"],
  ["POST", "restart?t=0"],
  ["POST", "restart?t=x"],
  ["POST", "pause"],
  ["POST", "unpause"],
  ["POST", "wait?condition=nope"],
  ["POST", "resize?h=1&w=1"],
  ["POST", "resize?h=x&w=1"],
  ["POST", "rename?name="],
  ["POST", "rename?name=P-verb"],
  ["POST", "rename?name=a%20b"],
  ["POST", "rename?name=x"],
  ["GET", "top?ps_args=-o%20comm"],
  ["GET", "logs"],
  ["GET", "logs?stdout=1&since=x"],
  ["POST", "exec", {}],
  ["POST", "exec", { Cmd: ["true"] }],
  ["POST", "exec", { Cmd: ["true"], User: "nosuch" }],
  ["DELETE", ""],
  ["DELETE", "?link=1"],
];
/** What works at first but takes the container out of the state under test. */
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  created: ["start", "restart?t=0", "", "resize?h=1&w=1"],
  running: ["stop?t=0", "kill", "restart?t=0", "pause", "resize?h=1&w=1", "exec", "top?ps_args=-o%20comm"],
  paused: ["stop?t=0", "kill", "restart?t=0", "unpause", "top?ps_args=-o%20comm", "resize?h=1&w=1"],
  exited: ["start", "restart?t=0", "", "resize?h=1&w=1"],
  absent: ["resize?h=x&w=1"],
};
const ROADS: Readonly<Record<string, readonly string[]>> = {
  created: [],
  running: ["start"],
  paused: ["start", "pause"],
  exited: ["start", "kill", "wait"],
};

async function make(name: string, body: object = SLEEP, verbs: readonly string[] = []): Promise<void> {
  await engines.both(async (engine) => {
    await engine.get("POST", `/containers/create?name=P-${name}`, body);
    for (const verb of verbs) await engine.get("POST", `/containers/P-${name}/${verb}`);
  });
}

describe.each(Object.keys(ROADS))("a %s container", (state) => {
  test.each(["1.24", "1.43", "1.44", "1.47", "1.51"])("is inspected alike by version %s", async (version) => {
    await make("verb", SLEEP, ROADS[state]);
    await sameAnswer(engines, "GET", `/v${version}/containers/P-verb/json`);
  });

  test("answers each verb that does not suit it alike", async () => {
    await make("verb", SLEEP, ROADS[state]);
    for (const [method, path, body] of VERBS) {
      if (CHANGES[state]?.includes(path)) continue;
      await sameAnswer(engines, method, `/v1.51/containers/P-verb/${path}`.replace("/?", "?").replace(/\/$/, ""), body);
    }
  });

  test.each(CHANGES[state]?.filter((path) => /^(start|stop|kill|restart|pause|unpause|$)/.test(path)) ?? [])(
    "changes alike by %p",
    async (path) => {
      await make("verb", SLEEP, ROADS[state]);
      const method = path === "" ? "DELETE" : "POST";
      await sameAnswer(engines, method, `/v1.51/containers/P-verb/${path}`.replace(/\/$/, ""));
      if (path === "kill") await sameAnswer(engines, "POST", "/v1.51/containers/P-verb/wait");
      await sameAnswer(engines, "GET", "/v1.51/containers/P-verb/json");
    },
  );
});

test.each(
  VERBS.filter(([, path]) => !CHANGES.absent?.includes(path)).map(
    ([method, path, body]) => [method, path, body ?? ""] as const,
  ),
)("%s %s of no container", async (method, path, body) => {
  const target = `/v1.51/containers/P-absent/${path}`.replace("/?", "?").replace(/\/$/, "");
  await sameAnswer(engines, method, target, body || undefined);
});

test("a name in use and a name like a prefix", async () => {
  await make("one");
  await make("two");
  await sameAnswer(engines, "POST", "/v1.51/containers/create?name=P-one", SLEEP);
  await sameAnswer(engines, "POST", "/v1.51/containers/P-two/rename?name=P-one");
  await sameAnswer(engines, "POST", "/v1.51/containers/P-two/rename?name=P-three");
  await sameAnswer(engines, "GET", "/v1.51/containers/P-two/json");
  await sameAnswer(engines, "GET", "/v1.51/containers/P-three/json");
});

test.each([
  ["a program that is nowhere", { Cmd: ["/no/such"] }],
  ["a program that is not in PATH", { Cmd: ["nosuch"] }],
  ["a directory", { Cmd: ["/etc"] }],
  ["a file that is no program", { Cmd: ["/etc/passwd"] }],
  ["a relative program", { Cmd: ["./x"] }],
  ["no program", { Cmd: [""] }],
  ["an unknown user", { User: "nosuch", Cmd: ["true"] }],
  ["an unknown group", { User: "0:nosuch", Cmd: ["true"] }],
  ["a user beyond the range", { User: "99999999999", Cmd: ["true"] }],
  ["an unknown network", { HostConfig: { NetworkMode: "nosuch" }, Cmd: ["true"] }],
  ["the network of no container", { HostConfig: { NetworkMode: "container:P-absent" }, Cmd: ["true"] }],
])("a start fails alike with %s", async (_, body) => {
  await make("fails", { Image: "IMAGE", ...body });
  const { tug, docker } = await engines.both(async (engine) => ({
    start: shown(engine, await engine.send("POST", "/v1.51/containers/P-fails/start")),
    after: shown(engine, await engine.send("GET", "/v1.51/containers/P-fails/json")),
  }));
  // What the user got wrong is a 400 here, where Docker has 500 for some of it.
  const statuses = [tug, docker].map(({ start }) => (start as { status: number }).status);
  expect(statuses[0]).toBeOneOf([statuses[1], 400, 500]);
  for (const side of [tug, docker]) (side.start as { status: number }).status = 0;
  same({ tug, docker });
});

test("what it exits with, and how a signal ends it", async () => {
  for (const [name, script] of [
    ["seven", "exit 7"],
    ["killed", "kill -9 $$"],
    ["ignores", "trap '' TERM; kill -TERM $$; exit 5"],
  ] as const) {
    await make(name, { Image: "IMAGE", Cmd: ["sh", "-c", script] }, ["start"]);
    await sameAnswer(engines, "POST", `/v1.51/containers/P-${name}/wait`);
    await sameAnswer(engines, "GET", `/v1.51/containers/P-${name}/json`);
  }
});

test("an OOM kill is told", async () => {
  const script = "x=$(head -c 64m /dev/zero | tr '\\0' x); echo done";
  const body = { Image: "IMAGE", Cmd: ["sh", "-c", script], HostConfig: { Memory: 8 << 20, MemorySwap: 8 << 20 } };
  await make("hungry", body, ["start", "wait"]);
  await sameAnswer(engines, "GET", "/v1.51/containers/P-hungry/json");
});

test("wait: next-exit and removed wait, and see the end", async () => {
  same(
    await engines.both(async (engine) => {
      const body = {
        Image: "IMAGE",
        Cmd: ["sh", "-c", "read x; exit 5"],
        OpenStdin: true,
        HostConfig: { AutoRemove: true },
      };
      await engine.get("POST", "/containers/create?name=P-waited", body);
      const created = shown(engine, await engine.send("POST", "/v1.51/containers/P-waited/wait"));
      await engine.get("POST", "/containers/P-waited/start");
      const waits = ["next-exit", "removed", "not-running"].map((condition) =>
        engine.send("POST", `/v1.51/containers/P-waited/wait?condition=${condition}`),
      );
      // Each is registered once its head is there; a kill after a further round trip finds them all.
      await engine.send("GET", "/_ping");
      await engine.get("POST", "/containers/P-waited/kill");
      return { created, waits: (await Promise.all(waits)).map((answer) => shown(engine, answer)) };
    }),
  );
});

test("a restart policy counts, and stops when told", async () => {
  const body = {
    Image: "IMAGE",
    Cmd: ["false"],
    HostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 } },
  };
  await make("failing", body, ["start"]);
  same(
    await engines.both(async (engine) => {
      for (let tries = 0; tries < 200; tries++) {
        const { State, RestartCount } = await engine.get<{
          State: { Status: string; ExitCode: number };
          RestartCount: number;
        }>("GET", "/containers/P-failing/json");
        if (State.Status === "exited" && RestartCount === 2) return { State: State.ExitCode, RestartCount };
        await Bun.sleep(20);
      }
      return "never ended";
    }),
  );
});
