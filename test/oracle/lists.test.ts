/** `GET /containers/json` and its filters, `ps`, `prune`. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { same, sameAnswer, sameCommand, shown } from "./_compare.ts";
import { Engines } from "./_engines.ts";

let engines: Engines;
beforeAll(async () => {
  engines = await Engines.start();
  await engines.both(async (engine) => {
    const containers = {
      one: { Cmd: ["sleep", "600"], Labels: { a: "b", c: "" }, ExposedPorts: { "80/tcp": {}, "90/udp": {} } },
      two: { Cmd: ["sh", "-c", "exit 3"] },
      three: { Cmd: ["true"], HostConfig: { Binds: ["/tmp:/x"], NetworkMode: "none" } },
      four: { Cmd: ["sleep", "600"] },
    };
    for (const [name, body] of Object.entries(containers)) {
      await engine.get("POST", `/containers/create?name=P-${name}`, { Image: "IMAGE", ...body });
    }
    for (const verb of ["one/start", "two/start", "two/wait", "four/start", "four/pause"]) {
      await engine.get("POST", `/containers/P-${verb}`);
    }
  });
});
afterAll(() => engines?.[Symbol.asyncDispose]());

/** The list of this run's containers. How long ago something was depends on the moment. */
async function sameList(query: string, filters: Record<string, unknown>): Promise<void> {
  same(
    await engines.both(async (engine) => {
      const text = encodeURIComponent(engine.expand(JSON.stringify({ name: ["P-"], ...filters })));
      const answer = shown(engine, await engine.send("GET", `/v1.51/containers/json?${query}&filters=${text}`));
      const { body } = answer as { body: { Status: string; Ports: object[] }[] };
      if (!Array.isArray(body)) return answer;
      const rows = body.map((row) => ({
        ...row,
        Status: row.Status.replace(/(Less than a|\d+) seconds?|About a minute/, "<time>"),
        Ports: row.Ports.map((port) => JSON.stringify(port)).sort(),
      }));
      return { ...(answer as object), body: rows };
    }),
  );
}

test.each(["all=1", "all=0", "limit=2", "limit=-1", "limit=0", "size=1&all=1", "limit=x", "all=yes"])("%s", (query) =>
  sameList(query, {}),
);

test.each(
  [
    { status: ["running"] },
    { status: ["exited", "created"] },
    { status: ["paused", "dead"] },
    { exited: ["3"] },
    { exited: ["0"] },
    { label: ["a"] },
    { label: ["a=b"] },
    { label: ["a=x"] },
    { label: ["a", "c"] },
    { "label!": ["a"] },
    { name: ["P-one"] },
    { name: ["^/P-one$"] },
    { name: ["^P-one$"] },
    { name: ["("] },
    { id: ["nope"] },
    { ancestor: ["IMAGE"] },
    { ancestor: ["nope"] },
    { before: ["P-two"] },
    { since: ["P-two"] },
    { before: ["nope"] },
    { since: ["nope"] },
    { volume: ["/x"] },
    { volume: ["/tmp"] },
    { network: ["bridge"] },
    { network: ["none"] },
    { network: ["nope"] },
    { publish: ["80"] },
    { expose: ["80"] },
    { expose: ["1-100/tcp"] },
    { expose: ["90"] },
    { expose: ["90/udp"] },
    { health: ["none"] },
    { "is-task": ["false"] },
    { "is-task": ["x"] },
    { nope: ["x"] },
  ].map((filters) => [JSON.stringify(filters), filters] as const),
)("filters %s", (_, filters) => sameList("all=1", filters));

test.each([
  "{",
  "x",
  "[]",
  '{"status":"x"}',
  '{"status":[1]}',
  '{"label":["tug-nope"]}',
  '{"label":{"tug-nope":true}}',
])("the text %s as filters", (text) =>
  sameAnswer(engines, "GET", `/v1.51/containers/json?filters=${encodeURIComponent(text)}`),
);

test.each(["1.24", "1.41", "1.43", "1.47", "1.48"])("version %s lists alike", async (version) => {
  const { tug, docker } = await engines.both(async (engine) => {
    const filters = encodeURIComponent(JSON.stringify({ name: [engine.expand("P-three")] }));
    return shown(engine, await engine.send("GET", `/v${version}/containers/json?all=1&filters=${filters}`));
  });
  same({ tug, docker });
});

test.each([
  ["{{.Names}} {{.Image}} {{.Command}} {{.State}} {{.LocalVolumes}} {{.Mounts}} {{.Networks}} {{.Labels}} {{.Ports}}"],
  ["table {{.Names}}\t{{.Image}}\t{{.Command}}"],
])("docker ps -a --format %p", (format) =>
  sameCommand(engines, ["ps", "-a", "--filter", "name=P-", "--format", format]),
);

test("port and top", async () => {
  await sameCommand(engines, ["port", "P-one"]);
  await sameCommand(engines, ["port", "P-one", "80"]);
  await sameCommand(engines, ["top", "P-two"]);
});

test("prune takes what fits", async () => {
  for (const filters of [{ label: ["tug-nope"] }, { nope: ["x"] }]) {
    const text = encodeURIComponent(JSON.stringify(filters));
    await sameAnswer(engines, "POST", `/v1.51/containers/prune?filters=${text}`);
  }
});

test("the order is the newest first", async () => {
  const { tug } = await engines.both((engine) => engine.docker(["ps", "-aq", "--filter", "name=P-"]));
  expect(tug.stdout.trim().split("\n")).toHaveLength(4);
});
