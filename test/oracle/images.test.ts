/** Images: lists, documents, names, archives, and what is refused. */
import { afterAll, beforeAll, describe, test } from "bun:test";
import { sameAnswer, sameCommand } from "./_compare.ts";
import { Engines } from "./_engines.ts";

let engines: Engines;
beforeAll(async () => {
  engines = await Engines.start();
});
afterAll(async () => {
  await engines?.docker.send("DELETE", "/images/P-tagged:2?force=1");
  await engines?.[Symbol.asyncDispose]();
});

const VERSIONS = ["1.24", "1.41", "1.43", "1.44", "1.46", "1.48", "1.51"];

describe.each(VERSIONS)("version %s", (version) => {
  test("inspects an image", () => sameAnswer(engines, "GET", `/v${version}/images/IMAGE/json`));

  test("lists images", async () => {
    const filters = encodeURIComponent(JSON.stringify({ reference: [engines.tug.image] }));
    await sameAnswer(engines, "GET", `/v${version}/images/json?filters=${filters}&digests=1`);
  });
});

test.each([
  "/images/nope/json",
  "/images/UPPER/json",
  "/images/a%20b/json",
  "/images/IMAGE/history",
  "/images/nope/history",
  "/images/nope/get",
  "/images/get?names=nope",
  '/images/json?filters={"nope":["x"]}',
  '/images/json?filters={"dangling":["x"]}',
  '/images/json?filters={"before":["nope"]}',
  '/images/json?filters={"reference":["tug-nope-*"]}',
  '/images/json?filters={"label":["tug-nope"]}',
])("GET %s", (path) => sameAnswer(engines, "GET", `/v1.51${path}`));

test("names come and go", async () => {
  for (const [method, path] of [
    ["POST", "/images/IMAGE/tag?repo=P-tagged&tag=2"],
    ["POST", "/images/IMAGE/tag?repo=P-tagged:2"],
    ["GET", "/images/P-tagged:2/json"],
    ["POST", "/images/nope/tag?repo=x"],
    ["POST", "/images/IMAGE/tag?repo=UPPER"],
    ["POST", "/images/IMAGE/tag?repo=a&tag=%20"],
    [`POST`, `/images/IMAGE/tag?repo=${"a".repeat(64)}`],
    ["DELETE", "/images/P-tagged:2"],
    ["DELETE", "/images/P-tagged:2"],
    ["DELETE", "/images/nope"],
    ["DELETE", "/images/UPPER"],
  ] as const) {
    await sameAnswer(engines, method, `/v1.51${path}`);
  }
});

test("an image in use stays", async () => {
  await engines.both(async (engine) => {
    await engine.get("POST", "/containers/create?name=P-user", { Image: "IMAGE", Cmd: ["sleep", "600"] });
  });
  await sameAnswer(engines, "DELETE", "/v1.51/images/IMAGE");
  await engines.both((engine) => engine.get("POST", "/containers/P-user/start"));
  await sameAnswer(engines, "DELETE", "/v1.51/images/IMAGE");
  await sameAnswer(engines, "DELETE", "/v1.51/images/IMAGE?force=1");
  await engines.both(async (engine) => {
    const { Image } = await engine.get<{ Image: string }>("GET", "/containers/P-user/json");
    await engine.get("POST", `/images/${Image}/tag?repo=IMAGE`);
  });
  await engines.clean();
});

test.each([
  ["/images/create?fromSrc=-&repo=UPPER", "x"],
  ["/images/create?fromImage=UPPER", ""],
  ["/images/prune?filters=%7B%22nope%22%3A%5B%22x%22%5D%7D", ""],
  ["/images/prune?filters=%7B%22label%22%3A%5B%22tug-nope%22%5D%7D", ""],
])("POST %s", (path, body) =>
  sameAnswer(engines, "POST", `/v1.51${path}`, body, { "Content-Type": "application/x-tar" }),
);

test.each([
  [["image", "inspect", "nope"]],
  [["rmi", "nope"]],
  [["tag", "nope", "x"]],
  [["tag", "IMAGE", "UPPER"]],
  [["history", "nope"]],
  [["history", "--no-trunc", "--format", "{{.ID}} {{.CreatedBy}} {{.Comment}}", "IMAGE"]],
  [["save", "nope"]],
  [["image", "ls", "--filter", "nope=x"]],
  [["images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", "IMAGE"]],
  [["inspect", "IMAGE", "--format", "{{json .Config}}"]],
  [["image", "inspect", "-f", "{{.Id}} {{.Architecture}} {{.Os}} {{json .RootFS}}", "IMAGE"]],
])("docker %p", (args) => sameCommand(engines, args));
