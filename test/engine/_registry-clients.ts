/** What people do with the unmodified docker command line and tug as the registry, whatever the engine between them is. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeBusyboxImage } from "../fixtures/busybox.ts";
import { OwnRegistry } from "../fixtures/own-registry.ts";
import { authHeader } from "../oracle/_registries.ts";
import { run } from "./_run.ts";

const USERS = { alice: "secret", bob: "hidden" };

export interface DockerEngine {
  /** `unix:///…` */
  readonly host: string;
  /** Where it lives, when its loopback is not ours (`/proc/PID/ns/net`). */
  readonly namespace: string | undefined;
}

export function dockerClientSuite(name: string, engine: () => DockerEngine): void {
  describe(`docker through ${name}, with tug as the registry`, () => {
    const docker = (config: string, args: string[], stdin?: string) =>
      run([process.env.TUG_TEST_DOCKER ?? "docker", ...args], {
        env: { DOCKER_HOST: engine().host, DOCKER_CONFIG: config, DOCKER_CONTEXT: "" },
        ...(stdin !== undefined && { stdin }),
      });
    const good = async (config: string, args: string[], stdin?: string) => {
      const { code, stdout, stderr } = await docker(config, args, stdin);
      if (code !== 0) throw new Error(`docker ${args.join(" ")}: ${stdout}${stderr}`);
      return stdout.trim();
    };
    const start = (config: object, users = {}) => {
      const { namespace } = engine();
      return OwnRegistry.start({ config, users, ...(namespace !== undefined && { namespace }) });
    };
    let scratch: string;
    let image: string;
    beforeAll(async () => {
      scratch = mkdtempSync(join(tmpdir(), "tug-registry-clients-"));
      image = "tug-registry-server/busybox:1";
      await good(dockerConfig(), ["load", "-q", "-i", await makeBusyboxImage()]);
      await good(dockerConfig(), ["tag", "busybox", image]);
    });
    afterAll(async () => {
      await docker(dockerConfig(), ["rmi", "-f", image]);
      rmSync(scratch, { recursive: true });
    });

    /** A configuration of the command line that no other test sees. */
    function dockerConfig(): string {
      return mkdtempSync(join(scratch, "docker-"));
    }

    async function pushAndPull(config: string, name: string): Promise<void> {
      await good(config, ["tag", image, name]);
      const digest = /digest: (sha256:[0-9a-f]{64})/.exec(await good(config, ["push", name]))?.[1];
      await good(config, ["rmi", name]);
      expect(await good(config, ["pull", name])).toContain(`Digest: ${digest}`);
      await good(config, ["rmi", name]);
    }

    test("pushes and pulls without an account, where everybody may", async () => {
      await using registry = await start({});
      await pushAndPull(dockerConfig(), `${registry.host}/team/app:1`);
    });

    test.each([
      ["a password with each request", { htpasswd: "FOLDER/users" }],
      ["tokens", { htpasswd: "FOLDER/users", tokens: true }],
    ])("logs in, pushes, pulls and logs out, by %s", async (_, access) => {
      await using registry = await start({ access }, USERS);
      const config = dockerConfig();
      const name = `${registry.host}/team/app:1`;
      const login = (password: string) =>
        docker(config, ["login", "-u", "alice", "--password-stdin", registry.host], `${password}\n`);
      expect((await login("wrong")).code).not.toBe(0);
      expect((await login("secret")).stdout).toContain("Login Succeeded");
      await pushAndPull(config, name);
      await good(config, ["logout", registry.host]);
      const refused = await docker(config, ["pull", name]);
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringMatching(/no basic auth credentials|unauthorized|authentication required|access denied/),
      ]);
    });

    test("with tokens it keeps an identity token in place of the password, which a new password ends", async () => {
      await using registry = await start({ access: { htpasswd: "FOLDER/users", tokens: true } }, USERS);
      const config = dockerConfig();
      await good(config, ["login", "-u", "alice", "--password-stdin", registry.host], "secret\n");
      const kept = readFileSync(join(config, "config.json"), "utf8");
      const { auths } = JSON.parse(kept) as { auths: Record<string, { auth: string; identitytoken?: string }> };
      expect(auths[registry.host]?.identitytoken).toMatch(/^ey/);
      expect(Buffer.from(auths[registry.host]?.auth ?? "", "base64").toString()).toBe("alice:");
      await pushAndPull(config, `${registry.host}/team/app:1`);
      registry.writeUsers({ ...USERS, alice: "changed" });
      registry.signal("SIGHUP");
      while (!registry.log.includes("configuration reloaded")) await Bun.sleep(5);
      // Not by the command line, which would ask for a password.
      const login = { identitytoken: auths[registry.host]?.identitytoken, serveraddress: registry.host };
      const response = await fetch(`http://engine/images/create?fromImage=${registry.host}/team/app&tag=1`, {
        unix: engine().host.replace("unix://", ""),
        method: "POST",
        headers: authHeader(login),
      });
      expect([response.ok, await response.text()]).toEqual([false, expect.stringMatching(/unauthorized|incorrect/)]);
    });

    test("pulls without an account and pushes with one, where everybody may read", async () => {
      await using registry = await start({ access: { htpasswd: "FOLDER/users", anonymous: "pull" } }, USERS);
      const [config, nobody] = [dockerConfig(), dockerConfig()];
      const name = `${registry.host}/team/app:1`;
      await good(config, ["login", "-u", "bob", "--password-stdin", registry.host], "hidden\n");
      await good(config, ["tag", image, name]);
      await good(config, ["push", name]);
      await good(config, ["rmi", name]);
      await good(nobody, ["pull", name]);
      expect((await docker(nobody, ["push", name])).code).toBe(1);
      await good(config, ["rmi", name]);
    });

    test("is told what its account may not do", async () => {
      const rules = [{ repositories: ["team/*"], users: ["alice"], actions: ["pull", "push"] }];
      await using registry = await start({ access: { htpasswd: "FOLDER/users", rules } }, USERS);
      const config = dockerConfig();
      await good(config, ["login", "-u", "alice", "--password-stdin", registry.host], "secret\n");
      await pushAndPull(config, `${registry.host}/team/app:1`);
      const name = `${registry.host}/other/app:1`;
      await good(config, ["tag", image, name]);
      const refused = await docker(config, ["push", name]);
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringContaining("requested access to the resource is denied"),
      ]);
      await good(config, ["rmi", name]);
    });

    test("speaks TLS with it", async () => {
      await using registry = await start({ tls: "auto", access: { htpasswd: "FOLDER/users", tokens: true } }, USERS);
      expect(registry.isSecure).toBe(true);
      const config = dockerConfig();
      await good(config, ["login", "-u", "alice", "--password-stdin", registry.host], "secret\n");
      await pushAndPull(config, `${registry.host}/team/app:1`);
    });
  });
}
