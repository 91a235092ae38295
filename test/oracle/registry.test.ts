/** Registries: pull, push, login, search, distribution, and the images that several platforms or a commit make. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { ociLayout } from "../fixtures/archive.ts";
import { REGISTRY_PROGRAM } from "../fixtures/registry.ts";
import { tar } from "../fixtures/tar.ts";
import { same, shown } from "./_compare.ts";
import { type Engine, Engines } from "./_engines.ts";
import { normaliseText } from "./_normalise.ts";
import { authHeader, Registries } from "./_registries.ts";

const GZIP = { suffix: "+gzip", compress: (layer: Uint8Array) => gzipSync(layer) };
const PLATFORM = (architecture: string) => encodeURIComponent(JSON.stringify({ os: "linux", architecture }));
const NOWHERE = "127.0.0.1:1";

let engines: Engines;
let open: Registries;
let closed: Registries;

if (REGISTRY_PROGRAM) {
  beforeAll(async () => {
    engines = await Engines.start();
    open = await Registries.start(engines);
    closed = await Registries.start(engines, { users: { tester: "secret" } });
    // What is pulled has been put there once: the same bytes for both.
    // One layer, as the messages of several come in no order.
    const layers = [tar([{ name: "file", data: "given" }])];
    const tags = [open.expand(engines.tug, "REG/given:1"), open.expand(engines.tug, "REG/given:2")];
    await engines.daemon.ok("docker", ["load", "-q"], { stdin: tar(ociLayout([{ layers, tags }], GZIP)) });
    await engines.daemon.ok("docker", ["push", "-q", "-a", open.expand(engines.tug, "REG/given")]);
    await engines.daemon.ok("docker", ["rmi", ...tags]);
  });
  afterAll(async () => {
    const { stdout } = await engines.docker.docker(["images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]);
    const mine = stdout.split("\n").filter((line) => /\/(given|of-docker)|^of-docker/.test(line));
    for (const line of mine) await engines.docker.docker(["rmi", "-f", line.split(" ")[0] ?? ""]);
    await closed?.[Symbol.asyncDispose]();
    await open?.[Symbol.asyncDispose]();
    await engines?.[Symbol.asyncDispose]();
  });

  /** The same request to both, each with its own registry. */
  async function sameAnswer(registries: Registries, line: string, body?: unknown, headers?: Record<string, string>) {
    const [method = "", path = ""] = line.split(" ");
    same(
      await engines.both(async (engine) => {
        const expanded = body === undefined ? undefined : JSON.parse(registries.expand(engine, JSON.stringify(body)));
        const answer = await engine.send(method, registries.expand(engine, path), expanded, headers);
        return comparable(registries, engine, shown(engine, answer));
      }),
    );
  }

  async function sameCommand(registries: Registries, args: readonly string[], stdin?: string) {
    same(
      await engines.both(async (engine) => {
        const words = args.map((arg) => registries.expand(engine, arg));
        const { code, stdout, stderr } = await engine.docker(words, stdin === undefined ? {} : { stdin });
        const texts = { code, stdout: normaliseText(engine, stdout), stderr: normaliseText(engine, stderr) };
        return comparable(registries, engine, texts);
      }),
    );
  }

  /** Each engine compresses in its own way: what it pushes has digests and sizes of its own. How much it tells on the way depends on the moment. */
  function comparable(registries: Registries, engine: Engine, value: unknown): unknown {
    const still = JSON.stringify(value, (_, item: unknown) =>
      Array.isArray(item) ? item.filter((each) => each?.progress === undefined) : item,
    );
    const text = registries
      .normalise(engine, still)
      .replaceAll("<short id>: Verifying Checksum\\n", "")
      .replaceAll(/("Size":|size: )\d+/g, "$10")
      .replaceAll(/sha256:[0-9a-f]{64}/g, "<digest>");
    return JSON.parse(text);
  }

  describe("pull", () => {
    test.each([
      [["pull", "REG/given:1"]],
      [["pull", "REG/given:1"]],
      [["pull", "-q", "REG/given:2"]],
      [["pull", "-a", "REG/given"]],
      [["pull", "-a", "-q", "REG/given"]],
      [["pull", "-a", "REG/given:1"]],
      [["pull", "REG/given:nope"]],
      [["pull", "REG/given"]],
      [["pull", "REG/nothing/here:1"]],
      [["pull", "-a", "REG/nothing/here"]],
      [["pull", "--platform", "linux/s390x", "REG/given:1"]],
      [["pull", "--platform", "a/b/c/d", "REG/given:1"]],
      [["pull", `${NOWHERE}/x:1`]],
      [["pull", "UPPER"]],
      [["pull", "scratch"]],
      [["images", "--format", "{{.Repository}}:{{.Tag}} {{.Digest}} {{.ID}}", "--digests", "REG/given"]],
      [["rmi", "REG/given:1"]],
      [["rmi", "REG/given:2"]],
      [["run", "--rm", "--pull", "never", "REG/given:1", "x"]],
    ])("docker %p", (args) => sameCommand(open, args));

    test.each([
      "POST /v1.51/images/create?fromImage=REG/given&tag=a%20b",
      "POST /v1.51/images/create?fromImage=REG/given:1&platform=a/b/c/d",
      `POST /v1.51/images/create?fromImage=REG/given&tag=sha256:${"0".repeat(64)}`,
      "POST /v1.51/images/create?fromImage=scratch&tag=1",
      "POST /v1.24/images/create?fromImage=REG/nothing&tag=1",
    ])("%s", (line) => sameAnswer(open, line));
  });

  describe("push", () => {
    test.each([
      [["tag", "IMAGE", "REG/OWN:1"]],
      [["tag", "IMAGE", "REG/OWN:2"]],
      [["push", "REG/OWN:1"]],
      [["push", "REG/OWN:1"]],
      [["push", "-q", "REG/OWN:1"]],
      [["push", "-a", "REG/OWN"]],
      [["push", "-a", "REG/OWN:1"]],
      [["push", "REG/OWN"]],
      [["push", "REG/nothing:1"]],
      [["push", "--platform", "linux/s390x", "REG/OWN:1"]],
      [["tag", "REG/OWN:1", "REG/OWN-again:1"]],
      [["push", "REG/OWN-again:1"]],
      [["rmi", "REG/OWN-again:1"]],
    ])("docker %p", (args) => sameCommand(open, args));

    test.each([
      "POST /v1.51/images/UPPER/push?tag=1",
      "POST /v1.51/images/REG/OWN/push?tag=%20x",
      "POST /v1.51/images/REG/OWN/push?tag=1&platform=%7B%7D",
      `POST /v1.51/images/REG/OWN/push?tag=1&platform=${PLATFORM("s390x")}`,
      `POST /v1.45/images/REG/OWN/push?tag=1&platform=${PLATFORM("s390x")}`,
      "POST /v1.51/images/REG/nothing/push?tag=1",
      "POST /v1.24/images/REG/OWN/push",
    ])("%s", (line) => sameAnswer(open, line));
  });

  /** What tug tells with a status that says more: the words are the same. */
  async function sameWords(
    registries: Registries,
    line: string,
    { statuses, body }: { statuses: object; body?: object },
  ) {
    const [method = "", path = ""] = line.split(" ");
    const answers = await engines.both((engine) => {
      const expanded = body && JSON.parse(registries.expand(engine, JSON.stringify(body)));
      return engine.send(method, registries.expand(engine, path), expanded);
    });
    expect<object>({ tug: answers.tug.status, docker: answers.docker.status }).toEqual(statuses);
    same({
      tug: comparable(registries, engines.tug, JSON.parse(answers.tug.body)),
      docker: comparable(registries, engines.docker, JSON.parse(answers.docker.body)),
    });
  }

  test("a push to nowhere", async () => {
    await sameCommand(open, ["tag", "IMAGE", `${NOWHERE}/of-none:1`]);
    same(
      await engines.both(async (engine) => {
        const { code, stderr } = await engine.docker(["push", `${NOWHERE}/of-none:1`]);
        return { code, stderr };
      }),
    );
    await sameCommand(open, ["rmi", `${NOWHERE}/of-none:1`]);
  });

  describe("what a registry says of a name", () => {
    test.each([
      "GET /v1.51/distribution/REG/given:1/json",
      "GET /v1.51/distribution/REG/OWN:1/json",
      "GET /v1.51/distribution/REG/given/json",
      "GET /v1.51/distribution/REG/nothing:1/json",
      "GET /v1.51/distribution/UPPER/json",
    ])("%s", (line) => sameAnswer(open, line));

    test("a registry that is not there", () =>
      sameWords(open, `GET /v1.51/distribution/${NOWHERE}/x:1/json`, { statuses: { tug: 503, docker: 500 } }));

    test.each([
      "limit=101",
      "limit=x",
      "filters=%7B%22nope%22%3A%5B%22x%22%5D%7D",
      "filters=%7B%22stars%22%3A%5B%22x%22%5D%7D",
    ])("a search with %s", (query) => sameAnswer(open, `GET /v1.51/images/search?term=REG/x&${query}`));
  });

  describe("a login", () => {
    const LOGIN = { username: "tester", password: "secret", serveraddress: "REG" };

    test.each([[LOGIN], [{ ...LOGIN, serveraddress: "http://REG/v2/" }]])("POST /auth with %j", (body) =>
      sameAnswer(closed, "POST /v1.51/auth", body),
    );

    test.each([
      [
        { ...LOGIN, password: "wrong" },
        { tug: 401, docker: 500 },
      ],
      [
        { ...LOGIN, serveraddress: NOWHERE },
        { tug: 503, docker: 500 },
      ],
    ])("POST /auth with %j fails in the same words", (body, statuses) =>
      sameWords(closed, "POST /v1.51/auth", { statuses, body }),
    );

    test("is needed, given, and wrong", async () => {
      await sameCommand(closed, ["tag", "IMAGE", "REG/OWN:1"]);
      await sameCommand(closed, ["push", "REG/OWN:1"]);
      await sameCommand(closed, ["pull", "REG/OWN:1"]);
      const { username, password } = LOGIN;
      const push = "POST /v1.51/images/REG/OWN/push?tag=1";
      await sameAnswer(closed, push, undefined, authHeader({ username, password: "wrong" }));
      await sameAnswer(closed, push, undefined, { "X-Registry-Auth": "!!" });
      await sameAnswer(closed, push, undefined, authHeader({ username, password }));
      await sameAnswer(closed, "GET /v1.51/distribution/REG/OWN:1/json", undefined, authHeader({ username, password }));
      const pull = "POST /v1.51/images/create?fromImage=REG/OWN&tag=1";
      await sameAnswer(closed, pull, undefined, authHeader({ username, password: "wrong" }));
      await sameAnswer(closed, pull, undefined, authHeader({ username, password }));
      await sameCommand(closed, ["rmi", "REG/OWN:1"]);
    });
  });

  describe("a commit", () => {
    beforeAll(async () => {
      await engines.both((engine) =>
        engine.get("POST", "/containers/create?name=P-committed", { Image: "IMAGE", Cmd: ["true"], Env: ["A=b"] }),
      );
    });
    afterAll(() => engines.clean());

    test.each([
      "POST /v1.51/commit",
      "POST /v1.51/commit?container=P-nothing",
      "POST /v1.51/commit?container=P-committed&repo=UPPER",
      "POST /v1.51/commit?container=P-committed&repo=OWN&tag=a%20b",
      "POST /v1.51/commit?container=P-committed&repo=OWN&changes=FOO",
      "POST /v1.51/commit?container=P-committed&repo=OWN&changes=RUN%20x",
      "POST /v1.51/commit?container=P-committed&repo=OWN:1&tag=2&author=me&comment=why&changes=USER%20x&changes=ENV%20C=d",
      "GET /v1.51/images/OWN:2/json",
    ])("%s", (line) => sameAnswer(open, line));

    test.each([
      [["commit", "-m", "why", "-a", "me", "-c", 'CMD ["x"]', "P-committed", "OWN:3"]],
      [["image", "inspect", "-f", "{{json .Config}} {{.Author}} {{.Comment}}", "OWN:3"]],
      [["history", "--format", "{{.CreatedBy}} {{.Comment}}", "OWN:3"]],
      [["commit", "P-committed", "UPPER"]],
      [["rmi", "OWN:3"]],
      [["rmi", "OWN:2"]],
    ])("docker %p", (args) => sameCommand(open, args));
  });

  describe("platforms of one image", () => {
    test.each([
      `GET /v1.51/images/IMAGE/json?platform=${PLATFORM("s390x")}`,
      `GET /v1.48/images/IMAGE/json?platform=${PLATFORM("s390x")}`,
      "GET /v1.51/images/IMAGE/json?platform=%7B%7D",
      `GET /v1.51/images/IMAGE/json?manifests=1&platform=${PLATFORM("amd64")}`,
      `GET /v1.51/images/IMAGE/history?platform=${PLATFORM("s390x")}`,
      `GET /v1.47/images/IMAGE/history?platform=${PLATFORM("s390x")}`,
      `DELETE /v1.51/images/IMAGE?platforms=${PLATFORM("s390x")}`,
    ])("%s", (line) => sameAnswer(open, line));

    test("an archive of a platform that is not there", () => {
      const line = engines.tug.expand(`GET /v1.51/images/IMAGE/get?platform=${PLATFORM("s390x")}`);
      return sameWords(open, line, { statuses: { tug: 404, docker: 500 } });
    });

    test("the image is still there", async () => {
      const { tug, docker } = await engines.both((engine) => engine.send("GET", "/images/IMAGE/json"));
      expect([tug.status, docker.status]).toEqual([200, 200]);
    });
  });
}
