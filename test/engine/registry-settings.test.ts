/** How the administrator says that registries are reached: mirrors, rewrites, proxies, and a change while the daemon runs. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FaultRegistry, startFaultRegistry } from "../fixtures/fault-registry.ts";
import { TestDaemon } from "./_daemon.ts";

const folder = mkdtempSync(join(tmpdir(), "tug-registry-settings-"));
const file = join(folder, "daemon.json");
let mirror: FaultRegistry;
let daemon: TestDaemon;

function configure(document: object): void {
  writeFileSync(file, JSON.stringify(document));
}

/** `registry.invalid` exists by its mirror only, where its repositories are below `kept/`. */
function mirrored(): object {
  const rule = { mirrors: [mirror.url], rewrite: [{ from: "team/", to: "kept/" }] };
  return { registries: { "registry.invalid": rule } };
}

async function registryConfig() {
  const { body } = await daemon.api<{ RegistryConfig: { Mirrors: string[] | null; InsecureRegistryCIDRs: string[] } }>(
    "GET",
    "/info",
  );
  return body.RegistryConfig;
}

beforeAll(async () => {
  mirror = await startFaultRegistry();
  configure(mirrored());
  daemon = await TestDaemon.start({
    flags: [`--config-file=${file}`, "--http-proxy=http://ann:secret@proxy.invalid:3128"],
  });
  await daemon.ok("docker", ["tag", "busybox", `${mirror.host}/kept/busybox:v1`]);
  await daemon.ok("docker", ["push", "-q", `${mirror.host}/kept/busybox:v1`]);
  await daemon.ok("docker", ["rmi", `${mirror.host}/kept/busybox:v1`]);
});

afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  await mirror?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

test("any registry may have a mirror, and other names there", async () => {
  await daemon.ok("docker", ["pull", "-q", "registry.invalid/team/busybox:v1"]);
  const listed = await daemon.ok("docker", [
    "images",
    "--format",
    "{{.Repository}}:{{.Tag}}",
    "registry.invalid/team/busybox",
  ]);
  expect(listed).toBe("registry.invalid/team/busybox:v1");
});

test("a mirror that has it not leaves it to the registry, whose words count", async () => {
  const { code, stderr } = await daemon.cli("docker", ["pull", "registry.invalid/team/other:v1"]);
  expect(code).toBe(1);
  expect(stderr.trim()).toBe(
    'Error response from daemon: Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid: no such host',
  );
});

test("info shows how registries are reached, and no password", async () => {
  const { text } = await daemon.api("GET", "/info");
  expect(text).toContain('"HttpProxy":"http://xxxxx:xxxxx@proxy.invalid:3128"');
  expect(text).not.toContain("secret");
});

test("SIGHUP takes mirrors and insecure registries over", async () => {
  expect(await registryConfig()).toMatchObject({ Mirrors: null, InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8"] });
  configure({
    "registry-mirrors": ["https://mirror.invalid"],
    "insecure-registries": ["10.9.0.0/16", "lab.invalid:5000"],
  });
  daemon.signal("SIGHUP");
  const deadline = Date.now() + 10_000;
  while ((await registryConfig()).Mirrors === null && Date.now() < deadline) await Bun.sleep(10);
  expect(await registryConfig()).toMatchObject({
    Mirrors: ["https://mirror.invalid/"],
    InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8", "10.9.0.0/16"],
    IndexConfigs: {
      "docker.io": { Mirrors: ["https://mirror.invalid/"], Official: true, Secure: true },
      "lab.invalid:5000": { Mirrors: [], Official: false, Secure: false },
    },
  });
  // The rule is gone, and what was known by it with it.
  const { code } = await daemon.cli("docker", ["pull", "registry.invalid/team/busybox:v1"]);
  expect(code).toBe(1);
});
