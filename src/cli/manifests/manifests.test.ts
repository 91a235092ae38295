import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Digest, Platform } from "#api/oci";
import { startTestEngine, type TestEngine } from "../_test-engine.ts";
import { testIo } from "../_test-io.ts";
import { runCli } from "../run-cli.ts";
import { buildIndex, formatIndex, type ManifestEntry } from "./manifest-entry.ts";

const DOCKER = "application/vnd.docker.distribution.manifest.v2+json";
const OCI = "application/vnd.oci.image.manifest.v1+json";

const root = mkdtempSync(join(tmpdir(), "tug-manifests-"));
afterAll(() => rmSync(root, { recursive: true }));
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(root, "config-"));
});

function entry(digest: string, size: number, platform: Platform, mediaType = DOCKER): ManifestEntry {
  return { Ref: "r.test/a:1", Descriptor: { mediaType, digest: digest as Digest, size, platform }, Raw: "" };
}

test("formatIndex() makes the bytes that Docker's command line makes of the same list", () => {
  const text = formatIndex(
    buildIndex([
      entry("sha256:b3d1d32ca656f7395d5cf05fd651db7f06181224eef81b92cc5acbd8d9fa60b3", 523, {
        architecture: "amd64",
        os: "linux",
      }),
      entry("sha256:98c8bb45001ebc6bf1cff328a23424ceb2f248475815c65936dc9637da7fcc67", 522, {
        variant: "v6",
        "os.features": ["a", "b"],
        "os.version": "10",
        os: "linux",
        architecture: "arm",
      }),
      entry("sha256:eeef636eb6aa8be281bfd037f2d55fa1cc1d3a753a5ff956f3362dcfe7933e22", 522, {
        architecture: "arm64",
        os: "linux",
      }),
    ]),
  );
  // What `docker manifest push` printed.
  const digest = "2c6dff9aa0677746a5cd5e37e7607ea6442290ecd557c02a07c5152c173d47de";
  expect(createHash("sha256").update(text).digest("hex")).toBe(digest);
});

test("buildIndex() makes an OCI index of OCI manifests", () => {
  const platform = { architecture: "amd64", os: "linux" };
  expect(buildIndex([entry("sha256:1", 1, platform, OCI)]).mediaType).toBe("application/vnd.oci.image.index.v1+json");
});

const document = (name: string) => ({ schemaVersion: 2, mediaType: DOCKER, config: { digest: name }, layers: [] });
const digestOf = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;

/** A registry behind an engine: two manifests of one platform each, and an index of both. */
function engineWithRegistry(): TestEngine {
  const texts = new Map(
    Object.entries({ arm: document("arm"), amd64: document("amd64") }).map(([tag, value]) => [
      tag,
      JSON.stringify(value),
    ]),
  );
  const manifests = [...texts].map(([architecture, text]) => {
    const platform = { architecture, os: "linux" };
    return { mediaType: DOCKER, digest: digestOf(text), size: text.length, platform };
  });
  const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests };
  texts.set("both", JSON.stringify(index));
  for (const text of [...texts.values()]) texts.set(digestOf(text), text);
  return startTestEngine(({ method, path }) => {
    const [, name = "", what] =
      /^\/distribution\/r\.test\/a[:@](.*)\/(manifest|json)/.exec(decodeURIComponent(path)) ?? [];
    if (method === "PUT") return Response.json({ digest: "sha256:pushed" }, { status: 201 });
    const text = texts.get(name);
    if (text === undefined) return Response.json({ message: "manifest unknown" }, { status: 404 });
    if (what === "json") return Response.json({ Descriptor: {}, Platforms: [{ architecture: name, os: "linux" }] });
    const mediaType = (JSON.parse(text) as { mediaType: string }).mediaType;
    return new Response(text, { headers: { "Content-Type": mediaType, "Docker-Content-Digest": digestOf(text) } });
  });
}

async function run(engine: TestEngine, ...argv: string[]) {
  const io = testIo({ env: { DOCKER_CONFIG: directory, TUG_HOST: engine.host } });
  const exit = await runCli(["manifest", ...argv], io);
  return { exit, ...io.written };
}

describe("tug manifest", () => {
  test("inspects a manifest as the registry has it", async () => {
    using engine = engineWithRegistry();
    const { stdout } = await run(engine, "inspect", "r.test/a:arm");
    expect(stdout).toBe(`${JSON.stringify(document("arm"), undefined, "\t")}\n`);
  });

  test("inspects an index, and with -v all that it lists", async () => {
    using engine = engineWithRegistry();
    const { stdout } = await run(engine, "inspect", "r.test/a:both");
    expect(stdout).toStartWith(
      '{\n   "schemaVersion": 2,\n   "mediaType": "application/vnd.oci.image.index.v1+json",\n',
    );
    const verbose = JSON.parse((await run(engine, "inspect", "-v", "r.test/a:both")).stdout) as ManifestEntry[];
    expect(verbose).toMatchObject([
      { Ref: expect.stringMatching(/^r\.test\/a:both@sha256:/), SchemaV2Manifest: document("arm") },
      { Descriptor: { platform: { architecture: "amd64", os: "linux" } }, SchemaV2Manifest: document("amd64") },
    ]);
  });

  test("creates, amends, annotates, shows, pushes and purges a list", async () => {
    using engine = engineWithRegistry();
    const created = { exit: 0, stdout: "Created manifest list r.test/list:1\n", stderr: "" };
    expect(await run(engine, "create", "r.test/list:1", "r.test/a:arm")).toEqual(created);
    expect(await run(engine, "create", "r.test/list:1", "r.test/a:amd64")).toEqual({
      exit: 1,
      stdout: "",
      stderr: "refusing to amend an existing manifest list with no --amend flag\n",
    });
    expect(await run(engine, "create", "-a", "r.test/list:1", "r.test/a:amd64")).toEqual(created);
    expect(readdirSync(join(directory, "manifests/r.test_list-1")).sort()).toEqual(["r.test_a-amd64", "r.test_a-arm"]);
    const annotation = ["--variant", "v7", "--os-features", "x,y", "--os-features", "x"];
    expect((await run(engine, "annotate", ...annotation, "r.test/list:1", "r.test/a:arm")).exit).toBe(0);
    const platform = { architecture: "arm", os: "linux", "os.features": ["x", "y"], variant: "v7" };
    expect(JSON.parse((await run(engine, "inspect", "r.test/list:1")).stdout)).toMatchObject({
      manifests: [{ platform: { architecture: "amd64" } }, { platform }],
    });
    expect(JSON.parse((await run(engine, "inspect", "-v", "r.test/list:1", "r.test/a:arm")).stdout)).toMatchObject({
      Ref: "r.test/a:arm",
      Descriptor: { platform },
    });
    const pushed = await run(engine, "push", "-p", "r.test/list:1");
    const lines = [document("amd64"), document("arm")].map((each) => {
      return `Pushed ref r.test/list@${digestOf(JSON.stringify(each))} with digest: sha256:pushed\n`;
    });
    expect(pushed).toEqual({ exit: 0, stdout: `${lines.join("")}sha256:pushed\n`, stderr: "" });
    const puts = engine.requests.filter(({ method }) => method === "PUT");
    expect(puts.map(({ path }) => path.replace(/sha256%3A\w+/, "DIGEST"))).toEqual([
      "/distribution/r.test/list%40DIGEST/manifest?from=r.test%2Fa",
      "/distribution/r.test/list%40DIGEST/manifest?from=r.test%2Fa",
      "/distribution/r.test/list%3A1/manifest",
    ]);
    expect(puts[0]?.body).toEqual(document("amd64"));
    expect(readdirSync(join(directory, "manifests"))).toEqual([]);
  });

  test("keeps a list in Docker's files", async () => {
    using engine = engineWithRegistry();
    await run(engine, "create", "r.test/list:1", "r.test/a:arm");
    const text = JSON.stringify(document("arm"));
    expect(readFileSync(join(directory, "manifests/r.test_list-1/r.test_a-arm"), "utf8")).toBe(
      `{"Ref":"r.test/a:arm","Descriptor":{"mediaType":"${DOCKER}","digest":"${digestOf(text)}","size":${text.length},"platform":{"architecture":"arm","os":"linux"}},"Raw":"${btoa(text)}","SchemaV2Manifest":${text}}`,
    );
  });

  test.each([
    [["inspect", "r.test/a:nope"], "no such manifest: r.test/a:nope"],
    [["inspect", "r.test/list:1", "r.test/a:arm"], "No such manifest: r.test/a:arm"],
    [["create", "r.test/list:1", "r.test/a:nope"], "no such manifest: r.test/a:nope"],
    [["create", "r.test/list:1", "r.test/a:both"], "r.test/a:both is a manifest list"],
    [
      ["create", "UPPER", "r.test/a:arm"],
      "error parsing name for manifest list UPPER: invalid reference format: repository name (library/UPPER) must be lowercase",
    ],
    [["push", "r.test/list:1"], "No such manifest: r.test/list:1"],
    [["rm", "r.test/list:1", "x"], "No such manifest: r.test/list:1\nNo such manifest: docker.io/library/x:latest"],
    [
      ["annotate", "r.test/list:1", "r.test/a:arm", "--os", "linux"],
      "manifest for image r.test/a:arm does not exist in r.test/list:1",
    ],
  ])("%p fails", async (argv, message) => {
    using engine = engineWithRegistry();
    expect(await run(engine, ...argv)).toMatchObject({ exit: 1, stderr: `${message}\n` });
    expect(readdirSync(directory)).toEqual([]);
  });

  test.each([
    [
      ["annotate", "r.test/list:1", "r.test/a:arm", "--arch", "nope"],
      "manifest entry for image has unsupported os/arch combination: /nope",
    ],
    [
      ["annotate", "r.test/list:1", "r.test/a:arm", "--os", "nope"],
      "manifest entry for image has unsupported os/arch combination: nope/",
    ],
  ])("%p is refused", async (argv, message) => {
    using engine = engineWithRegistry();
    await run(engine, "create", "r.test/list:1", "r.test/a:arm");
    expect(await run(engine, ...argv)).toMatchObject({ exit: 1, stderr: `${message}\n` });
  });

  test("refuses a list for another registry", async () => {
    using engine = engineWithRegistry();
    await run(engine, "create", "other.test/list:1", "r.test/a:arm");
    const message = "cannot use source images from a different registry than the target image: r.test != other.test";
    expect(await run(engine, "push", "other.test/list:1")).toMatchObject({ exit: 1, stderr: `${message}\n` });
  });

  test("tells when the engine is one that hands out no manifests", async () => {
    using engine = startTestEngine(() => Response.json({ message: "page not found" }, { status: 404 }));
    const message = "manifest r.test/a:1: this engine does not hand out manifests";
    expect(await run(engine, "inspect", "r.test/a:1")).toMatchObject({ exit: 1, stderr: `${message}\n` });
  });
});
