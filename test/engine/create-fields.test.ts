/** Fields of create that need something of the host, or of an image, prepared first. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busyboxLayer, dockerArchive, tar } from "../fixtures/mod.ts";
import { TestDaemon } from "./_daemon.ts";

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const docker = (...args: string[]) => daemon.cli("docker", args);
const ok = (...args: string[]) => daemon.ok("docker", args);

describe("devices by CDI", () => {
  const folder = "/var/run/cdi";
  const vendor = `tug${Math.random().toString(36).slice(2, 8)}.test`;
  const file = join(folder, `${vendor}.json`);

  beforeAll(() => {
    mkdirSync(folder, { recursive: true });
    const edits = {
      env: ["VENDOR_DEVICE=zero"],
      deviceNodes: [
        { path: "/dev/vendor0", hostPath: "/dev/zero" },
        { path: "/dev/vendor1", hostPath: "/dev/kmsg", permissions: "w" },
      ],
      mounts: [{ hostPath: "/etc/passwd", containerPath: "/vendor/passwd", options: ["ro", "bind"] }],
      additionalGids: [4242],
    };
    const devices = [{ name: "zero", containerEdits: edits }];
    writeFileSync(file, JSON.stringify({ cdiVersion: "0.6.0", kind: `${vendor}/thing`, devices }));
  });
  afterAll(() => rmSync(file, { force: true }));

  test("bring node, variable, mount and group into the container", async () => {
    const script =
      "head -c 3 /dev/vendor0 | od -An -tx1; echo $VENDOR_DEVICE; test -s /vendor/passwd && echo there; " +
      "touch /vendor/passwd 2>&1; id -G; head -c 1 /dev/vendor1";
    const { stdout, stderr } = await docker(
      "run",
      "--rm",
      `--device=${vendor}/thing=zero`,
      "busybox",
      "sh",
      "-c",
      script,
    );
    expect(stdout).toBe(" 00 00 00\nzero\nthere\ntouch: /vendor/passwd: Read-only file system\n0 10 4242\n");
    expect(stderr).toContain("Operation not permitted");
  });

  test("are refused when nobody describes them", async () => {
    const { code, stderr } = await docker("run", "--rm", `--device=${vendor}/thing=one`, "busybox", "true");
    expect(code).toBe(125);
    expect(stderr).toContain(`CDI device injection failed: unresolvable CDI devices ${vendor}/thing=one`);
  });
});

describe("mounts of images", () => {
  beforeAll(async () => {
    const layer = tar([
      { name: "bin/tool", data: "#!/bin/sh\necho tool\n", mode: 0o755 },
      { name: "link", type: "symlink", target: "bin" },
      { name: "out", type: "symlink", target: "../../../../../../etc" },
      { name: "loop", type: "symlink", target: "loop" },
      { name: "etc/secret", data: "of the image\n" },
    ]);
    const folder = mkdtempSync(join(tmpdir(), "tug-fields-"));
    const archive = join(folder, "tools.tar");
    const base = { tags: ["tools:1"], layers: [layer], config: { Cmd: ["/bin/tool"] } };
    const two = { tags: ["two:1"], layers: [await busyboxLayer(), layer], config: { Cmd: ["sh"] } };
    writeFileSync(archive, tar(dockerArchive([base, two])));
    await ok("load", "-q", "-i", archive);
    rmSync(folder, { recursive: true });
  });

  const run = (options: string, script: string) =>
    docker("run", "--rm", "--mount", `type=image,dst=/x,${options}`, "busybox", "sh", "-c", script);

  test("show its files, read-only", async () => {
    const { stdout, stderr } = await run("src=tools:1", "/x/bin/tool; ls /x; touch /x/new");
    expect(stdout).toBe("tool\nbin\netc\nlink\nloop\nout\n");
    expect(stderr).toContain("Read-only file system");
  });

  test("show a part of it, files too, links followed within the image", async () => {
    expect((await run("src=tools:1,image-subpath=link", "ls /x")).stdout).toBe("tool\n");
    expect((await run("src=tools:1,image-subpath=bin/tool", "/x")).stdout).toBe("tool\n");
    expect((await run("src=tools:1,image-subpath=out", "ls /x; cat /x/secret")).stdout).toBe("secret\nof the image\n");
  });

  test.each([
    ["nosuch", "cannot access path nosuch"],
    ["loop", "too many symlinks"],
  ])("fail for the path %s, and leave nothing mounted", async (path, message) => {
    const { code, stderr } = await run(`src=tools:1,image-subpath=${path}`, "true");
    expect(code).toBe(125);
    expect(stderr).toContain(message);
    expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(`${daemon.execRoot}/tasks/`);
  });

  test("may be several, of one image and of the container's own", async () => {
    const mounts = ["src=tools:1,dst=/a", "src=tools:1,dst=/b,image-subpath=bin", "src=two:1,dst=/c"].flatMap(
      (mount) => ["--mount", `type=image,${mount}`],
    );
    const { stdout, stderr } = await docker(
      "run",
      "--rm",
      ...mounts,
      "two:1",
      "sh",
      "-c",
      "/a/bin/tool; /b/tool; /c/bin/tool",
    );
    expect(stdout).toBe("tool\ntool\ntool\n");
    expect(stderr).toBe("WARNING: Image mount is an experimental feature\n");
  });

  test("keep the image as long as the container is there", async () => {
    await ok("run", "-d", "--name", "user", "--mount", "type=image,src=tools:1,dst=/x", "busybox", "sleep", "600");
    expect((await docker("rmi", "tools:1")).stderr).toContain("is using its referenced image");
    await ok("restart", "-t", "0", "user");
    expect(await ok("exec", "user", "/x/bin/tool")).toBe("tool");
    await ok("rm", "-f", "user");
    await ok("rmi", "tools:1");
    expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(`${daemon.execRoot}/tasks/`);
  });
});
