/** tug as a registry, beside clients that others wrote: docker through tugd, skopeo, docker-py, curl. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makeBusyboxImage } from "../fixtures/busybox.ts";
import { OwnRegistry } from "../fixtures/own-registry.ts";
import { REGISTRY_PROGRAM, startRegistry } from "../fixtures/registry.ts";
import { TestDaemon } from "./_daemon.ts";
import { dockerClientSuite } from "./_registry-clients.ts";
import { ok, run } from "./_run.ts";

const TUG = resolve(import.meta.dir, "../../dist/tug");
const USERS = { alice: "secret", bob: "hidden" };
const MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

let daemon: TestDaemon;
let scratch: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "tug-registry-server-"));
  daemon = await TestDaemon.start();
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});

/** A configuration of the command line that no other test sees. */
function dockerConfig(): string {
  return mkdtempSync(join(scratch, "docker-"));
}

const skopeo = (...args: string[]) => ok(["skopeo", ...args]);

async function pushBusybox(registry: OwnRegistry, name: string, creds?: string): Promise<void> {
  const archive = `docker-archive:${await makeBusyboxImage()}`;
  const to = ["--dest-tls-verify=false", ...(creds === undefined ? [] : ["--dest-creds", creds])];
  await skopeo("copy", ...to, archive, `docker://${registry.host}/${name}`);
}

dockerClientSuite("tugd", () => ({ host: daemon.host, namespace: undefined }));

test("docker-py logs in, pushes and pulls", async () => {
  await using open = await OwnRegistry.start();
  await using closed = await OwnRegistry.start({
    config: { access: { htpasswd: "FOLDER/users" } },
    users: { tester: "secret" },
  });
  const script = join(import.meta.dir, "docker_py_registry.py");
  const env = { DOCKER_HOST: daemon.host, DOCKER_CONFIG: dockerConfig() };
  await ok(["/usr/bin/python3", script, open.host, closed.host], { env });
});

describe("skopeo", () => {
  test("copies, inspects, lists and deletes, over TLS with the registry's own authority", async () => {
    await using registry = await OwnRegistry.start({
      config: { tls: "auto", access: { htpasswd: "FOLDER/users", tokens: true } },
      users: USERS,
    });
    const certs = mkdtempSync(join(scratch, "certs-"));
    cpSync(registry.caPath, join(certs, "ca.crt"));
    const name = `docker://${registry.host}/team/app`;
    const secure = ["--cert-dir", certs, "--creds", "alice:secret"];
    const archive = `docker-archive:${await makeBusyboxImage()}`;
    await skopeo("copy", "--dest-cert-dir", certs, "--dest-creds", "alice:secret", archive, `${name}:1`);
    await skopeo(
      "copy",
      "--src-cert-dir",
      certs,
      "--src-creds",
      "alice:secret",
      "--dest-cert-dir",
      certs,
      "--dest-creds",
      "alice:secret",
      `${name}:1`,
      `docker://${registry.host}/team/copy:2`,
    );
    const inspected = JSON.parse(await skopeo("inspect", ...secure, `${name}:1`)) as {
      RepoTags: string[];
      Digest: string;
    };
    expect(inspected.RepoTags).toEqual(["1"]);
    expect(JSON.parse(await skopeo("list-tags", ...secure, name))).toMatchObject({ Tags: ["1"] });
    const layout = mkdtempSync(join(scratch, "layout-"));
    await skopeo("copy", "--src-cert-dir", certs, "--src-creds", "alice:secret", `${name}:1`, `oci:${layout}:1`);
    expect(existsSync(join(layout, "index.json"))).toBe(true);
    await skopeo("delete", ...secure, `${name}:1`);
    expect((await run(["skopeo", "inspect", ...secure, `${name}:1`])).stderr).toContain("manifest unknown");
  });

  test("refuses a registry whose authority it does not know, and a wrong password", async () => {
    await using registry = await OwnRegistry.start({
      config: { tls: "auto", access: { htpasswd: "FOLDER/users" } },
      users: USERS,
    });
    const name = `docker://${registry.host}/team/app:1`;
    expect((await run(["skopeo", "inspect", "--creds", "alice:secret", name])).stderr).toContain(
      "certificate signed by unknown authority",
    );
    const wrong = await run(["skopeo", "inspect", "--tls-verify=false", "--creds", "alice:wrong", name]);
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      expect.stringMatching(/unauthorized|authentication required|invalid username/),
    ]);
  });
});

test("an engine trusts the registry at an address of this machine once its authority lies in certs.d", async () => {
  const address = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(
      ({ internal, family, address }) => !internal && family === "IPv4" && !address.startsWith("169.254."),
    )?.address;
  expect(address).toBeString();
  await using registry = await OwnRegistry.start({ hostname: address! });
  expect(registry.isSecure).toBe(true);
  const name = `${registry.host}/team/app:1`;
  await daemon.ok("docker", ["tag", "busybox", name]);
  const refused = await daemon.cli("docker", ["push", name]);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/certificate/)]);
  // As the registry itself told when it started.
  const folder = `/etc/docker/certs.d/${registry.host}`;
  expect(registry.log).toContain(`mkdir -p ${folder}`);
  expect(registry.log).toContain(`cp ${registry.caPath} ${folder}/ca.crt`);
  try {
    mkdirSync(folder, { recursive: true });
    cpSync(registry.caPath, join(folder, "ca.crt"));
    await daemon.ok("docker", ["push", name]);
  } finally {
    rmSync(folder, { recursive: true });
    await daemon.cli("docker", ["rmi", name]);
  }
});

describe("tokens", () => {
  const service = "service=tug-registry";
  const auth = `Basic ${Buffer.from("alice:secret").toString("base64")}`;

  test("a token is good for its scope, and a damaged or foreign one for nothing", async () => {
    const config = { access: { htpasswd: "FOLDER/users", tokens: true } };
    await using registry = await OwnRegistry.start({ config, users: USERS });
    await using other = await OwnRegistry.start({ config, users: USERS });
    await pushBusybox(registry, "team/app:1", "alice:secret");
    const tokenFrom = async ({ url }: OwnRegistry) => {
      const response = await fetch(`${url}/token?${service}&scope=repository:team/app:pull`, {
        headers: { Authorization: auth },
      });
      return ((await response.json()) as { token: string }).token;
    };
    const token = await tokenFrom(registry);
    const get = async (bearer: string) => {
      const headers = { Authorization: `Bearer ${bearer}`, Accept: MANIFESTS };
      return (await fetch(`${registry.url}/v2/team/app/manifests/1`, { headers })).status;
    };
    expect(await get(token)).toBe(200);
    expect(await get(await tokenFrom(other))).toBe(401);
    const [head, payload, signature] = token.split(".");
    expect(await get(`${head}.${payload}.${signature?.slice(0, -4)}AAAA`)).toBe(401);
    // A restart keeps the key, and with it what was given out.
    await registry.down();
    await registry.up();
    expect(await get(token)).toBe(200);
  });
});

describe("restarts and signals", () => {
  const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

  test.each(["down", "crash"] as const)("an upload in chunks goes on after the registry went %s", async (how) => {
    await using registry = await OwnRegistry.start();
    const content = crypto.getRandomValues(new Uint8Array(60_000));
    const begun = await fetch(`${registry.url}/v2/team/app/blobs/uploads/`, { method: "POST" });
    const location = begun.headers.get("Location")!;
    const first = await fetch(new URL(location, registry.url), {
      method: "PATCH",
      headers: { "Content-Range": "0-29999", "Content-Type": "application/octet-stream" },
      body: content.subarray(0, 30_000),
    });
    expect(first.status).toBe(202);
    await registry[how]();
    await registry.up();
    const upload = new URL(first.headers.get("Location")!, registry.url);
    const status = await fetch(upload);
    expect([status.status, status.headers.get("Range")]).toEqual([204, "0-29999"]);
    await fetch(upload, {
      method: "PATCH",
      headers: { "Content-Range": "30000-59999" },
      body: content.subarray(30_000),
    });
    const digest = sha256(content);
    upload.searchParams.set("digest", digest);
    expect((await fetch(upload, { method: "PUT" })).status).toBe(201);
    const blob = await fetch(`${registry.url}/v2/team/app/blobs/${digest}`);
    expect(sha256(new Uint8Array(await blob.arrayBuffer()))).toBe(digest);
  });

  test("SIGTERM lets a pull end that is under way, and takes no new one", async () => {
    await using registry = await OwnRegistry.start();
    const content = new Uint8Array(64 * 1024 * 1024).fill(7);
    const digest = sha256(content);
    const pushed = await fetch(`${registry.url}/v2/team/app/blobs/uploads/?digest=${digest}`, {
      method: "POST",
      body: content,
    });
    expect(pushed.status).toBe(201);
    const pull = Bun.spawn(
      [
        "curl",
        "-s",
        "--limit-rate",
        "40M",
        "-o",
        "/dev/null",
        "-w",
        "%{size_download}",
        `${registry.url}/v2/team/app/blobs/${digest}`,
      ],
      { stdout: "pipe" },
    );
    while (!/requests_in_flight [2-9]/.test(await (await fetch(`${registry.url}/metrics`)).text())) await Bun.sleep(5);
    const ended = registry.down();
    while (!registry.log.includes("registry ends")) await Bun.sleep(5);
    await expect(fetch(`${registry.url}/v2/`, { keepalive: false })).rejects.toThrow();
    expect(await new Response(pull.stdout).text()).toBe(String(content.length));
    expect(await ended).toBe(0);
  });

  test("SIGHUP takes over accounts, rules and a certificate, and keeps what was right when the file is wrong", async () => {
    const access = { htpasswd: "FOLDER/users" };
    await using registry = await OwnRegistry.start({
      config: { tls: { names: ["first.example"] }, access },
      users: { alice: "secret" },
    });
    const tls = { ca: readFileSync(registry.caPath, "utf8") };
    const status = async (user: string) => {
      const headers = { Authorization: `Basic ${Buffer.from(user).toString("base64")}` };
      return (await fetch(`${registry.url}/v2/`, { headers, tls, keepalive: false })).status;
    };
    expect([await status("alice:secret"), await status("bob:hidden")]).toEqual([200, 401]);
    registry.writeUsers(USERS);
    registry.writeConfig({ tls: { names: ["second.example"] }, access: { ...access, anonymous: "all" } });
    registry.signal("SIGHUP");
    while (!registry.log.includes("configuration reloaded")) await Bun.sleep(5);
    expect([await status("bob:hidden"), await status("nobody:x")]).toEqual([200, 401]);
    expect((await fetch(`${registry.url}/v2/`, { tls, keepalive: false })).status).toBe(200);
    const shown = await run(
      [
        "openssl",
        "s_client",
        "-connect",
        registry.host,
        "-CAfile",
        registry.caPath,
        "-verify_hostname",
        "second.example",
      ],
      { stdin: "" },
    );
    expect(shown.stdout).toContain("Verify return code: 0 (ok)");
    registry.writeConfig({ access: { anonymous: "some" } });
    registry.signal("SIGHUP");
    while (!registry.log.includes("configuration not reloaded")) await Bun.sleep(5);
    expect(registry.log).toContain('access.anonymous \\"some\\" is none of');
    expect(await status("bob:hidden")).toBe(200);
  });

  test("a root and an address are for one registry", async () => {
    await using registry = await OwnRegistry.start();
    const same = await run([TUG, "registry", "serve", "--root", registry.root, "--addr", "127.0.0.1:0"]);
    expect([same.code, same.stderr]).toEqual([
      1,
      expect.stringContaining(`registry root "${registry.root}" is in use`),
    ]);
    const taken = await run([TUG, "registry", "serve", "--root", join(scratch, "other"), "--addr", registry.host]);
    expect([taken.code, taken.stderr]).toEqual([
      1,
      expect.stringContaining(`listen on ${registry.host}: address already in use`),
    ]);
    const collected = await run([TUG, "registry", "gc", "--root", registry.root]);
    expect([collected.code, collected.stderr]).toEqual([1, expect.stringContaining("is in use")]);
    await registry.down();
    expect(await ok([TUG, "registry", "gc", "--root", registry.root])).toContain("Total reclaimed space: 0B");
  });
});

describe("a cache in front of Debian's registry", () => {
  if (!REGISTRY_PROGRAM) return;

  test("gives what is there, keeps it, and serves it when the other is gone", async () => {
    const upstream = await startRegistry({ users: { cache: "pass" } });
    try {
      const config = {
        proxy: { upstream: { url: upstream.url, username: "cache", password: "pass", ttl: "0s" } },
      };
      await using cache = await OwnRegistry.start({ config });
      const archive = `docker-archive:${await makeBusyboxImage()}`;
      await skopeo(
        "copy",
        "--dest-tls-verify=false",
        "--dest-creds",
        "cache:pass",
        archive,
        `docker://${upstream.host}/team/app:1`,
      );
      const name = `${cache.host}/upstream/team/app`;
      await daemon.ok("docker", ["pull", "-q", `${name}:1`]);
      expect(await daemon.ok("docker", ["run", "--rm", `${name}:1`, "echo", "cached"])).toBe("cached");
      await daemon.ok("docker", ["rmi", `${name}:1`]);
      expect((await daemon.cli("docker", ["pull", `${name}:none`])).stderr).toContain("not found");
      await daemon.ok("docker", ["tag", "busybox", `${name}:2`]);
      expect((await daemon.cli("docker", ["push", `${name}:2`])).code).toBe(1);
      await daemon.ok("docker", ["rmi", `${name}:2`]);
      await upstream[Symbol.asyncDispose]();
      await daemon.ok("docker", ["pull", "-q", `${name}:1`]);
      await daemon.ok("docker", ["rmi", `${name}:1`]);
      const head = await fetch(`${cache.url}/v2/upstream/team/app/manifests/1`, { headers: { Accept: MANIFESTS } });
      expect([head.status, head.headers.get("Warning")]).toEqual([200, expect.stringContaining("may be old")]);
      expect((await fetch(`${cache.url}/v2/upstream/other/manifests/1`)).status).toBe(503);
    } finally {
      await upstream[Symbol.asyncDispose]();
    }
  });

  test("is a mirror as a whole with docker-registry's words, and fetches once for many", async () => {
    await using upstream = await startRegistry();
    await using cache = await OwnRegistry.start({ config: { proxy: { remoteurl: upstream.url } } });
    const archive = `docker-archive:${await makeBusyboxImage()}`;
    await skopeo("copy", "--dest-tls-verify=false", archive, `docker://${upstream.host}/team/app:1`);
    const pulls = Array.from({ length: 8 }, (_, index) =>
      skopeo(
        "copy",
        "--src-tls-verify=false",
        `docker://${cache.host}/team/app:1`,
        `oci:${join(scratch, `mirror-${index}`)}:1`,
      ),
    );
    await Promise.all(pulls);
    const metrics = await (await fetch(`${cache.url}/metrics`)).text();
    expect(metrics).toContain('tug_registry_proxy_requests_total{result="failed"} 0');
    expect(metrics).toContain("tug_registry_storage_blobs 2");
    expect(readdirSync(join(cache.root, "proxy"))).toEqual([]);
  });
});

describe("what an administrator sees", () => {
  test("the audit log says who did what, and no secrets", async () => {
    const config = { audit: { path: "FOLDER/audit.log" }, access: { htpasswd: "FOLDER/users", tokens: true } };
    await using registry = await OwnRegistry.start({ config, users: USERS });
    await pushBusybox(registry, "team/app:1", "alice:secret");
    await fetch(`${registry.url}/v2/team/app/manifests/1`);
    await registry.down();
    const text = readFileSync(join(registry.folder, "audit.log"), "utf8");
    const records = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records).toContainEqual(
      expect.objectContaining({
        user: "alice",
        action: "push",
        method: "PUT",
        repository: "team/app",
        reference: "1",
        status: 201,
        address: "127.0.0.1",
      }),
    );
    expect(records).toContainEqual(expect.objectContaining({ user: null, action: "pull", status: 401 }));
    expect(text).not.toMatch(/secret|Bearer|eyJ|Basic/);
  });

  test("receivers are told about pushes, pulls and deletions", async () => {
    const events: { action: string; target: { repository: string; tag?: string } }[] = [];
    using receiver = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        events.push(...((await request.json()) as { events: typeof events }).events);
        return new Response();
      },
    });
    const notifications = [{ name: "test", url: `http://127.0.0.1:${receiver.port}/hook` }];
    await using registry = await OwnRegistry.start({ config: { notifications } });
    await pushBusybox(registry, "team/app:1");
    await skopeo("inspect", "--tls-verify=false", `docker://${registry.host}/team/app:1`);
    await skopeo("delete", "--tls-verify=false", `docker://${registry.host}/team/app:1`);
    const isTold = (action: string) =>
      events.some((event) => event.action === action && event.target.repository === "team/app");
    while (!["push", "pull", "delete"].every(isTold)) await Bun.sleep(5);
    expect(events.find(({ target }) => target.tag !== undefined)).toMatchObject({
      action: "push",
      target: { tag: "1" },
    });
  });

  test("metrics count, and are for this machine alone unless told", async () => {
    await using registry = await OwnRegistry.start();
    await pushBusybox(registry, "team/app:1");
    const text = await (await fetch(`${registry.url}/metrics`)).text();
    expect(text).toContain('tug_registry_http_requests_total{route="manifest",method="PUT",code="201"} 1');
    expect(text).toContain("tug_registry_storage_repositories 1");
    expect(text).toContain("tug_registry_storage_blobs 2");
    expect(Number(/tug_registry_gc_runs_total (\d+)/.exec(text)?.[1])).toBeGreaterThan(0);
    expect(await (await fetch(`${registry.url}/healthz`)).json()).toEqual({ status: "ok" });
    await using hidden = await OwnRegistry.start({ config: { metrics: "off" } });
    expect((await fetch(`${hidden.url}/metrics`)).status).toBe(404);
  });
});

describe("the command line", () => {
  test("says what is wrong with a configuration, by file and key", async () => {
    const file = join(scratch, "wrong.yaml");
    writeFileSync(file, "root: /srv/registry\naccess:\n  anonymous: read\n");
    const wrong = await run([TUG, "registry", "serve", "-c", file]);
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      `registry configuration "${file}": access.anonymous "read" is none of none, pull, push, all\n`,
    ]);
    const right = await run([TUG, "registry", "serve", "-c", file, "--anonymous", "pull", "--validate"]);
    expect([right.code, right.stderr]).toEqual([0, "configuration OK\n"]);
    expect((await run([TUG, "registry", "serve", "-c", join(scratch, "none")])).stderr).toContain("none");
    expect((await run([TUG, "registry", "serve"])).stderr).toContain("root is missing");
    expect((await run([TUG, "registry", "serve", "--adr", "x"])).code).toBe(125);
  });

  test("keeps accounts that a registry takes", async () => {
    const users = join(scratch, "users");
    await ok([TUG, "registry", "htpasswd", "--password-stdin", users, "carol"], { stdin: "pass word\n" });
    expect(statSync(users).mode & 0o777).toBe(0o600);
    await using registry = await OwnRegistry.start({ config: { access: { htpasswd: users } } });
    const headers = { Authorization: `Basic ${Buffer.from("carol:pass word").toString("base64")}` };
    expect((await fetch(`${registry.url}/v2/`, { headers })).status).toBe(200);
    await ok([TUG, "registry", "htpasswd", "-D", users, "carol"]);
    registry.signal("SIGHUP");
    while (!registry.log.includes("configuration reloaded")) await Bun.sleep(5);
    expect((await fetch(`${registry.url}/v2/`, { headers })).status).toBe(401);
  });
});

describe("as a part of the daemon", () => {
  test("an image that the daemon pushes into its own registry is stored once", async () => {
    await using both = await TestDaemon.start({ flags: ["--registry-server=addr=127.0.0.1:0"] });
    const port = /registry serves.*address="http:\/\/127\.0\.0\.1:(\d+)"/.exec(both.log)?.[1];
    const name = `127.0.0.1:${port}/team/app:1`;
    await both.ok("docker", ["tag", "busybox", name]);
    await both.ok("docker", ["push", name]);
    const own = join(both.dataRoot, "registry/sha256");
    const content = join(both.dataRoot, "content/sha256");
    const twice = readdirSync(own).filter((hex) => existsSync(join(content, hex)));
    expect(twice.length).toBeGreaterThan(0);
    for (const hex of twice) expect(statSync(join(own, hex)).ino).toBe(statSync(join(content, hex)).ino);
    // Either may let go of it: the other keeps it.
    await both.ok("docker", ["rmi", "-f", name, "busybox"]);
    await both.ok("docker", ["pull", "-q", name]);
    expect(await both.ok("docker", ["run", "--rm", name, "echo", "back"])).toBe("back");
    expect(await both.down()).toBe(0);
    await both.up();
    const again = /registry serves.*address="http:\/\/127\.0\.0\.1:(\d+)"(?![\s\S]*registry serves)/.exec(
      both.log,
    )?.[1];
    expect((await fetch(`http://127.0.0.1:${again}/v2/team/app/tags/list`)).status).toBe(200);
  });

  test("a configuration that is wrong keeps the daemon from starting, and says why", async () => {
    const validated = await run([resolve(TUG, "../tugd"), "--validate", "--registry-server=addr=nowhere"]);
    expect([validated.code, validated.stderr]).toEqual([
      1,
      "tugd: registry-server: addr has to be HOST:PORT, such as 0.0.0.0:5000 or [::]:5000\n",
    ]);
  });
});
