/** Images to and from a foreign registry, with clients that others wrote and with ours: docker, tug, skopeo, docker-py. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  type Compression,
  type ImageSpec,
  LAYERED_RESULT,
  layeredImage,
  ociLayout,
  sha256,
} from "../fixtures/archive.ts";
import { busyboxImage } from "../fixtures/busybox.ts";
import { startFaultRegistry } from "../fixtures/fault-registry.ts";
import { REGISTRY_PROGRAM, startRegistry, type TestRegistry } from "../fixtures/registry.ts";
import { tar } from "../fixtures/tar.ts";
import { TestDaemon } from "./_daemon.ts";
import { TerminalSession } from "./_terminal.ts";

const TUG = join(import.meta.dir, "../../dist/tug");
const GZIP = { suffix: "+gzip", compress: (layer: Uint8Array) => gzipSync(layer) };
const ZSTD = { suffix: "+zstd", compress: (layer: Uint8Array) => zstdCompressSync(layer) };
const PLAIN = { suffix: "", compress: (layer: Uint8Array) => layer };

let daemon: TestDaemon;
/** Open to everybody; behind a password; the same over TLS. */
let open: TestRegistry;
let closed: TestRegistry;
let secure: TestRegistry;
const root = mkdtempSync(join(tmpdir(), "tug-registries-"));
/** Of the command lines, new for each test. */
let config: string;

const run = (program: "docker" | "tug", args: string[], env: Record<string, string> = {}) =>
  daemon.cli(program, args, { env: { DOCKER_CONFIG: config, ...env } });
const ok = (program: "docker" | "tug", args: string[], stdin?: string | Uint8Array) =>
  daemon.ok(program, args, { env: { DOCKER_CONFIG: config }, ...(stdin === undefined ? {} : { stdin }) });

if (REGISTRY_PROGRAM) {
  beforeAll(async () => {
    const users = { tester: "secret" };
    [open, closed, secure] = await Promise.all([
      startRegistry(),
      startRegistry({ users }),
      startRegistry({ users, tls: true }),
    ]);
    daemon = await TestDaemon.start();
  });
  beforeEach(() => {
    config = mkdtempSync(join(root, "config-"));
  });
  afterAll(async () => {
    await Promise.all([daemon, open, closed, secure].map((each) => each?.[Symbol.asyncDispose]()));
    rmSync(root, { recursive: true });
  });

  describe.each(["docker", "tug"] as const)("%s", (program) => {
    test("pushes, pulls, and keeps digests on the way", async () => {
      const name = `${open.host}/${program}/kept`;
      await ok(program, ["tag", "busybox", `${name}:1`]);
      const digest = /digest: (sha256:[0-9a-f]{64}) size: \d+/.exec(await ok(program, ["push", `${name}:1`]))?.[1];
      expect(await digestsOf(`${name}:1`)).toContain(`${name}@${digest}`);
      await ok(program, ["rmi", `${name}:1`]);
      expect(await ok(program, ["pull", `${name}:1`])).toBe(
        `1: Pulling from ${program}/kept\nDigest: ${digest}\nStatus: Downloaded newer image for ${name}:1\n${name}:1`,
      );
      await ok(program, ["tag", `${name}:1`, `${name}/again:2`]);
      expect(await ok(program, ["push", `${name}/again:2`])).toContain(`2: digest: ${digest} size:`);
      await ok(program, ["rmi", `${name}:1`, `${name}/again:2`]);
      await ok(program, ["pull", "-q", `${name}/again@${digest}`]);
      expect(await digestsOf(`${name}/again@${digest}`)).toContain(`${name}/again@${digest}`);
    });

    test("moves all tags of a repository", async () => {
      const name = `${open.host}/${program}/many`;
      for (const tag of ["a", "b", "c"]) await ok(program, ["tag", "busybox", `${name}:${tag}`]);
      expect(await ok(program, ["push", "-a", name])).toMatch(/a: digest: .*b: digest: .*c: digest: /s);
      await ok(program, ["rmi", `${name}:a`, `${name}:b`, `${name}:c`]);
      expect(await ok(program, ["pull", "-a", "-q", name])).toBe(name);
      expect(await ok(program, ["images", "--format", "{{.Tag}}", name])).toBe("a\nb\nc");
    });

    test("logs in, keeps the login, and logs out", async () => {
      for (const { host } of [closed, secure]) {
        const name = `${host}/${program}/secret:1`;
        await ok(program, ["tag", "busybox", name]);
        const refused = await run(program, ["push", name]);
        expect(refused).toMatchObject({ code: 1, stderr: "no basic auth credentials\n" });
        const wrong = await run(program, ["login", "-u", "tester", "-p", "wrong", host]);
        expect(wrong.code).toBe(1);
        expect(wrong.stderr).toContain("401 Unauthorized");
        expect(await ok(program, ["login", "-u", "tester", "--password-stdin", host], "secret\n")).toBe(
          "Login Succeeded",
        );
        expect(JSON.parse(readFileSync(join(config, "config.json"), "utf8"))).toEqual({
          auths: { [host]: { auth: btoa("tester:secret") } },
        });
        await ok(program, ["push", "-q", name]);
        await ok(program, ["rmi", name]);
        await ok(program, ["pull", "-q", name]);
        expect((await run(program, ["login", host])).stdout).toBe("Login Succeeded\n");
        expect(await ok(program, ["logout", host])).toBe(`Removing login credentials for ${host}`);
        expect((await run(program, ["pull", "-q", name])).code).toBe(1);
      }
    });

    test("run pulls what is missing, what may be new, and nothing", async () => {
      const name = `${open.host}/${program}/policy:1`;
      await ok(program, ["tag", "busybox", name]);
      await ok(program, ["push", "-q", name]);
      await ok(program, ["rmi", name]);
      const echo = ["run", "--rm"];
      const never = await run(program, [...echo, "--pull=never", name, "true"]);
      expect(never).toMatchObject({ code: 125, stdout: "" });
      expect(never.stderr).toContain(`No such image: ${name}`);
      const missing = await run(program, [...echo, name, "echo", "hi"]);
      expect(missing).toMatchObject({ code: 0, stdout: "hi\n" });
      expect(missing.stderr).toContain(`Unable to find image '${name}' locally\n1: Pulling from ${program}/policy\n`);
      const always = await run(program, [...echo, "--pull=always", name, "echo", "hi"]);
      expect(always.stderr).toContain(`Status: Image is up to date for ${name}\n`);
      expect(await run(program, [...echo, "--pull=always", "--quiet", name, "echo", "hi"])).toEqual({
        code: 0,
        stdout: "hi\n",
        stderr: "",
      });
    });

    test("says what a registry refuses", async () => {
      const name = `${open.host}/${program}/nothing`;
      const answers = await Promise.all([
        run(program, ["pull", `${name}:1`]),
        run(program, ["pull", "-a", name]),
        run(program, ["push", `${name}:1`]),
        run(program, ["pull", "127.0.0.1:1/x"]),
      ]);
      expect(answers.map(({ stderr }) => stderr.trim())).toEqual([
        `Error response from daemon: manifest for ${name}:1 not found: manifest unknown: manifest unknown`,
        `Error response from daemon: repository ${name} not found: name unknown: repository name not known to registry`,
        `An image does not exist locally with the tag: ${name}`,
        'Error response from daemon: Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
      ]);
      expect(answers.map(({ code }) => code)).toEqual([1, 1, 1, 1]);
    });

    test("finds what a registry has", async () => {
      const name = `${open.host}/${program}/needle`;
      await ok(program, ["tag", "busybox", name]);
      await ok(program, ["push", "-q", name]);
      const found = await ok(program, ["search", "--format", "{{.Name}}", `${open.host}/${program}/needle`]);
      expect(found).toBe(name);
    });

    test("makes an image of a container", async () => {
      const name = `commit-${program}`;
      await ok(program, ["run", "--name", name, "busybox", "sh", "-c", "echo made > /made; rm /etc/group"]);
      const changes = ["-c", 'CMD ["cat", "/made"]', "-c", "ENV A=b"];
      const id = await ok(program, ["commit", "-a", "me", "-m", "why", ...changes, name, `${name}:1`]);
      expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(await ok(program, ["run", "--rm", `${name}:1`])).toBe("made");
      expect(await ok(program, ["image", "inspect", "-f", "{{.Author}} {{.Comment}} {{.Config.Env}}", id])).toMatch(
        /^me why \[.*A=b\]$/,
      );
      expect((await run(program, ["run", "--rm", `${name}:1`, "cat", "/etc/group"])).code).toBe(1);
      await ok(program, ["rm", name]);
    });
  });

  describe("skopeo", () => {
    const skopeo = async (...args: string[]): Promise<string> => {
      const child = Bun.spawn(["/usr/bin/skopeo", ...args], { stdout: "pipe", stderr: "pipe" });
      const [stdout, stderr] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      if ((await child.exited) !== 0) throw new Error(`skopeo ${args.join(" ")}: ${stderr}`);
      return stdout;
    };

    const rawManifest = (name: string) => skopeo("inspect", "--raw", "--tls-verify=false", `docker://${name}`);

    test.each([
      ["gzip", GZIP],
      ["zstd", ZSTD],
      ["uncompressed", PLAIN],
    ] as const)("an OCI image with %s layers that it put there is pulled and runs", async (format, compression) => {
      const name = `${open.host}/skopeo/${format}:1`;
      const spec = layeredImage("");
      const withShell: ImageSpec = { ...(await busyboxImage()), tags: [] };
      const layers = [...withShell.layers, ...spec.layers];
      await putLayout({ ...withShell, layers }, { name, compression });
      await ok("tug", ["pull", "-q", name]);
      const paths = Object.keys(LAYERED_RESULT);
      expect(await ok("tug", ["run", "--rm", name, "cat", ...paths])).toBe(
        Object.values(LAYERED_RESULT).join("").trim(),
      );
      const raw = await rawManifest(name);
      expect(await digestsOf(name)).toContain(`${name.replace(/:1$/, "")}@${sha256(Buffer.from(raw))}`);
      // What came from a registry goes back as it came.
      const back = name.replace(/:1$/, "-back:1");
      await ok("tug", ["tag", name, back]);
      await ok("tug", ["push", "-q", back]);
      expect(await rawManifest(back)).toBe(raw);
    });

    test("reads what we push, over TLS and with a password", async () => {
      const name = `${secure.host}/skopeo/ours:1`;
      await ok("tug", ["login", "-u", "tester", "--password-stdin", secure.host], "secret");
      await ok("tug", ["tag", "busybox", name]);
      await ok("tug", ["push", "-q", name]);
      const folder = mkdtempSync(join(root, "trust-"));
      writeFileSync(join(folder, "ca.crt"), secure.certificates?.ca ?? "");
      const login = ["--creds", "tester:secret", "--cert-dir", folder];
      const document = JSON.parse(await skopeo("inspect", "--config", ...login, `docker://${name}`)) as object;
      expect(document).toMatchObject({ config: { Cmd: ["sh"] } });
      const copy = join(root, "copy.tar");
      await skopeo(
        "copy",
        "--src-creds",
        "tester:secret",
        "--src-cert-dir",
        folder,
        `docker://${name}`,
        `docker-archive:${copy}:copied:1`,
      );
      expect(await ok("tug", ["load", "-q", "-i", copy])).toBe("Loaded image: copied:1");
      const id = ["image", "inspect", "-f", "{{.Id}}"];
      expect(await ok("tug", [...id, "copied:1"])).toBe(await ok("tug", [...id, "busybox"]));
    });

    async function putLayout(
      spec: ImageSpec,
      { name, compression }: { name: string; compression: Compression },
    ): Promise<void> {
      const folder = mkdtempSync(join(root, "layout-"));
      const archive = join(folder, "layout.tar");
      writeFileSync(archive, tar(ociLayout([spec], compression)));
      await skopeo(
        "copy",
        "--preserve-digests",
        "--dest-tls-verify=false",
        `oci-archive:${archive}`,
        `docker://${name}`,
      );
    }
  });

  test("docker-py pushes, pulls, logs in, searches and commits", () => {
    const script = join(import.meta.dir, "docker_py_registry.py");
    const result = Bun.spawnSync(["/usr/bin/python3", script, open.host, closed.host], {
      env: { ...process.env, DOCKER_HOST: daemon.host, DOCKER_CONFIG: config },
      stderr: "pipe",
    });
    expect(result.stderr.toString()).toContain("all as expected");
    expect(result.exitCode).toBe(0);
  });

  describe("several platforms", () => {
    test("a list that tug manifest made is what docker manifest sees, and every platform of it can be had", async () => {
      const name = `${open.host}/multi`;
      for (const architecture of ["amd64", "arm64"]) {
        const spec = {
          layers: [tar([{ name: "for", data: architecture }])],
          tags: [`${name}:${architecture}`],
          architecture,
        };
        await ok("tug", ["load", "-q"], tar(ociLayout([spec], GZIP)));
        await ok("tug", ["push", "-q", `${name}:${architecture}`]);
      }
      await ok("tug", ["manifest", "create", `${name}/list:1`, `${name}:amd64`, `${name}:arm64`]);
      const pushed = await ok("tug", ["manifest", "push", "--purge", `${name}/list:1`]);
      const digest = pushed.split("\n").at(-1);
      const inspect = ["manifest", "inspect", "--insecure", `${name}/list:1`];
      expect(await ok("tug", inspect)).toBe(await ok("docker", inspect));
      expect(await ok("tug", [...inspect, "-v"])).toBe(await ok("docker", [...inspect, "-v"]));

      await ok("tug", ["pull", "-q", "--platform", "linux/arm64", `${name}/list:1`]);
      expect(await architectureOf(`${name}/list:1`)).toBe("arm64");
      await ok("tug", ["rmi", `${name}/list:1`]);
      await ok("tug", ["pull", "-q", "--all-platforms", `${name}/list:1`]);
      const platforms = ["linux/amd64", "linux/arm64"];
      for (const platform of platforms) {
        const found = await ok("tug", [
          "image",
          "inspect",
          "--platform",
          platform,
          "-f",
          "{{.Os}}/{{.Architecture}}",
          `${name}/list:1`,
        ]);
        expect(found).toBe(platform);
      }
      expect(await digestsOf(`${name}/list:1`)).toContain(`${name}/list@${digest}`);
      const tree = await ok("tug", ["images", "--tree"]);
      for (const platform of platforms) expect(tree).toContain(`─ ${platform}`);

      // The whole index goes on, or one platform of it.
      await ok("tug", ["tag", `${name}/list:1`, `${name}/copy:1`]);
      expect(await ok("tug", ["push", `${name}/copy:1`])).toContain(`1: digest: ${digest} size:`);
      await ok("tug", ["push", "-q", "--platform", "linux/arm64", `${name}/copy:1`]);
      const one = JSON.parse(await ok("tug", ["manifest", "inspect", `${name}/copy:1`])) as object;
      expect(one).toHaveProperty("config");
    });
  });

  describe("on a terminal", () => {
    test("a pull shows its layers and leaves a line for each", async () => {
      const name = `${open.host}/shown:1`;
      const layers = Array.from({ length: 12 }, (_, at) => tar([{ name: `file-${at}`, data: `of layer ${at}` }]));
      await ok("tug", ["load", "-q"], tar(ociLayout([{ layers, tags: [name] }], GZIP)));
      await ok("tug", ["push", "-q", name]);
      await ok("tug", ["rmi", name]);
      const env = { TUG_HOST: daemon.host, DOCKER_CONFIG: config };
      using session = new TerminalSession([TUG, "pull", name], { env, rows: 6, columns: 60 });
      await session.sees("1: Pulling from shown");
      expect(await session.end()).toBe(0);
      const seen = session.unread;
      expect(seen.match(/: Pull complete/g)?.length).toBeGreaterThanOrEqual(layers.length);
      expect(seen).toContain(`Status: Downloaded newer image for ${name}`);
    });

    test("Ctrl-C gives a pull up at once, at the engine too", async () => {
      await using slow = await startFaultRegistry();
      const config = slow.addBlob(Buffer.from("{}"));
      const layer = slow.addBlob(gzipSync(tar([{ name: "never", data: "comes" }])));
      const describe = (digest: string, mediaType: string) => ({
        digest,
        mediaType,
        size: slow.blobs.get(digest)?.length,
      });
      slow.addManifest("slow", "1", {
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: describe(config, "application/vnd.oci.image.config.v1+json"),
        layers: [describe(layer, "application/vnd.oci.image.layer.v1.tar+gzip")],
      });
      slow.fault(/^GET .*\/blobs\//, () => true);
      const env = { TUG_HOST: daemon.host, DOCKER_CONFIG: config };
      using session = new TerminalSession([TUG, "pull", `${slow.host}/slow:1`], { env });
      await session.sees("1: Pulling from slow");
      session.types("\x03");
      expect(await session.end()).toBe(130);
      const deadline = Date.now() + 10_000;
      while (slow.connections() > 0 && Date.now() < deadline) await Bun.sleep(10);
      expect(slow.connections()).toBe(0);
      expect((await run("tug", ["image", "inspect", `${slow.host}/slow:1`])).code).toBe(1);
    });

    test("a password is asked for and not shown", async () => {
      const env = { TUG_HOST: daemon.host, DOCKER_CONFIG: config };
      using session = new TerminalSession([TUG, "login", closed.host], { env });
      await session.sees("Username: ");
      session.types("tester\n");
      await session.sees("Password: ");
      session.types("secret\n");
      await session.sees("Login Succeeded");
      expect(await session.end()).toBe(0);
      expect(session.text).not.toContain("secret");
    });

    test("Ctrl-C at the password leaves the terminal as it was", async () => {
      const env = { TUG_HOST: daemon.host, DOCKER_CONFIG: config };
      const line = `${TUG} login -u tester ${closed.host}; echo "exit $?"; stty -a | grep -o ' -\\?echo '`;
      using session = new TerminalSession(["sh", "-c", `trap : INT; ${line}`], { env });
      await session.sees("Password: ");
      session.types("\x03");
      await session.sees("exit 130");
      await session.sees(" echo ");
    });
  });

  const digestsOf = async (name: string): Promise<string[]> =>
    JSON.parse(await ok("tug", ["image", "inspect", "-f", "{{json .RepoDigests}}", name])) as string[];
  const architectureOf = (name: string) => ok("tug", ["image", "inspect", "-f", "{{.Architecture}}", name]);
}
