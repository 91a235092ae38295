import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GlobalFlags, globalFlags } from "../flags/global.ts";
import { parseFlags } from "../flags/parse.ts";
import { readConfigFile } from "./config-file.ts";
import { resolveEndpoint } from "./resolve-endpoint.ts";

const directory = mkdtempSync(join(tmpdir(), "tug-config-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const id = createHash("sha256").update("remote").digest("hex");
mkdirSync(join(directory, "contexts/meta", id), { recursive: true });
mkdirSync(join(directory, "contexts/tls", id, "docker"), { recursive: true });
writeFileSync(
  join(directory, "contexts/meta", id, "meta.json"),
  JSON.stringify({ Name: "remote", Endpoints: { docker: { Host: "tcp://far:2376", SkipTLSVerify: false } } }),
);
writeFileSync(join(directory, "contexts/tls", id, "docker/ca.pem"), "CA");
for (const name of ["ca", "cert", "key"]) writeFileSync(join(directory, `${name}.pem`), name);

function resolve(argv: readonly string[], env: Record<string, string> = {}, config = {}) {
  const parsed = parseFlags(globalFlags, argv, { stopAtFirstArgument: true });
  if (parsed === "help") throw new Error("not help");
  const flags = parsed.values as GlobalFlags;
  return resolveEndpoint({ flags, given: parsed.given, env, configDirectory: directory, config: () => config });
}

test.each([
  ["nothing", [], {}, {}, "unix:///run/tug/tug.sock"],
  ["DOCKER_HOST", [], { DOCKER_HOST: "unix:///d" }, {}, "unix:///d"],
  ["TUG_HOST before DOCKER_HOST", [], { DOCKER_HOST: "unix:///d", TUG_HOST: "unix:///t" }, {}, "unix:///t"],
  ["-H before both", ["-H", "unix:///h"], { TUG_HOST: "unix:///t" }, {}, "unix:///h"],
  ["--context before the environment", ["-c", "remote"], { TUG_HOST: "unix:///t" }, {}, "tcp://far:2376"],
  ["DOCKER_CONTEXT", [], { DOCKER_CONTEXT: "remote" }, { currentContext: "gone" }, "tcp://far:2376"],
  ["the current context", [], {}, { currentContext: "remote" }, "tcp://far:2376"],
  ["a host before the current context", [], { DOCKER_HOST: "unix:///d" }, { currentContext: "remote" }, "unix:///d"],
] as const)("resolveEndpoint() goes by %s", async (_, argv, env, config, host) => {
  expect((await resolve(argv, env, config)).host).toBe(host);
});

test("resolveEndpoint() takes a context's own key material", async () => {
  expect(await resolve(["-c", "remote"])).toMatchObject({ tls: { ca: "CA", verify: true } });
});

test("resolveEndpoint() reads key files when TLS is asked for, and only for TCP", async () => {
  const verified = { ca: "ca", cert: "cert", key: "key", verify: true };
  expect(await resolve(["--tlsverify", "-H", "tcp://h"])).toMatchObject({ port: 2376, tls: verified });
  expect(await resolve(["-H", "tcp://h"], { DOCKER_TLS_VERIFY: "1" })).toMatchObject({ tls: verified });
  expect(await resolve(["--tls", "-H", "tcp://h"])).toMatchObject({ tls: { cert: "cert", key: "key", verify: false } });
  expect(await resolve(["-H", "tcp://h"])).not.toHaveProperty("tls");
  expect(await resolve(["--tlsverify", "-H", "unix:///x"])).not.toHaveProperty("tls");
  const elsewhere = { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/nonexistent" };
  await expect(resolve(["-H", "tcp://h"], elsewhere)).rejects.toThrow("/nonexistent/ca.pem");
});

test.each([
  [["-H", "a", "-H", "b"], "Specify only one -H"],
  [["-H", "ssh://x"], "invalid bind address format: ssh://x"],
  [["-c", "gone"], 'context "gone": context not found'],
] as const)("resolveEndpoint() refuses %j", async (argv, message) => {
  await expect(resolve(argv)).rejects.toThrow(message);
});

test("readConfigFile() takes a missing file for an empty one, and names a broken one", () => {
  expect(readConfigFile("/nonexistent")).toEqual({});
  const broken = mkdtempSync(join(directory, "broken-"));
  writeFileSync(join(broken, "config.json"), "[1]");
  expect(() => readConfigFile(broken)).toThrow(`parsing config file: ${broken}/config.json: not a JSON object`);
});
