/** The unmodified `docker` command line against tugd: what people do every day. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeBusyboxImage } from "../fixtures/busybox.ts";
import { TestDaemon } from "./_daemon.ts";

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const docker = (...args: string[]) => daemon.cli("docker", args);
const ok = (...args: string[]) => daemon.ok("docker", args);

describe("docker run", () => {
  test("gives back what the program printed, and its exit code", async () => {
    const result = await docker("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7");
    expect(result).toEqual({ code: 7, stdout: "out\n", stderr: "err\n" });
  });

  test("carries standard input to the program until its end", async () => {
    const result = await daemon.cli("docker", ["run", "--rm", "-i", "busybox", "wc", "-c"], {
      stdin: "x".repeat(300_000),
    });
    expect(result.stdout.trim()).toBe("300000");
  });

  test("loses no byte of a large output", async () => {
    const result = await docker(
      "run",
      "--rm",
      "busybox",
      "sh",
      "-c",
      "yes 0123456789 | head -c 20000000 | md5sum; yes 0123456789 | head -c 20000000",
    );
    expect(result.stdout.length).toBe(20_000_000 + 36);
  });

  test.each([
    [["/no/such/program"], 127, "no such file or directory"],
    [["nosuchprogram"], 127, "executable file not found in $PATH"],
    [["/etc"], 126, "permission denied"],
  ])("%p ends with %d and says why", async (command, code, text) => {
    const result = await docker("run", "--rm", "busybox", ...command);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(text);
  });

  test("ends with 128 and the signal's number when a signal ended the program", async () => {
    const script = "sleep 600 & kill -9 $!; wait $!";
    expect((await docker("run", "--rm", "busybox", "sh", "-c", script)).code).toBe(137);
    await ok("run", "-d", "--name", "killed", "busybox", "sleep", "600");
    await ok("kill", "killed");
    expect(await ok("wait", "killed")).toBe("137");
    await ok("rm", "killed");
  });

  test("ends with 125 when the engine refuses", async () => {
    const result = await docker("run", "--rm", "--memory=1k", "busybox");
    expect(result.code).toBe(125);
    expect(result.stderr).toContain("Minimum memory limit allowed is 6MB");
  });

  test("--rm leaves nothing", async () => {
    await ok("run", "--rm", "--name", "gone", "busybox", "true");
    expect((await docker("inspect", "gone")).code).toBe(1);
  });

  test("sets environment, directory, user, hostname and labels", async () => {
    const script = 'echo "$A $PWD $(id -u):$(id -g) $(hostname)"';
    const result = await ok(
      "run",
      "--rm",
      "-e",
      "A=1",
      "-w",
      "/tmp",
      "-u",
      "1000:1000",
      "-h",
      "host1",
      "busybox",
      "sh",
      "-c",
      script,
    );
    expect(result).toBe("1 /tmp 1000:1000 host1");
  });

  test("-t gives a terminal of the asked size that joins both streams", async () => {
    const result = await docker("run", "--rm", "-t", "busybox", "sh", "-c", "tty; echo err >&2");
    expect(result.stdout).toBe("/dev/pts/0\r\nerr\r\n");
  });

  test("--init makes the program a child of pid 1", async () => {
    expect(await ok("run", "--rm", "--init", "busybox", "sh", "-c", "echo $$")).not.toBe("1");
    expect(await ok("run", "--rm", "busybox", "sh", "-c", "echo $$")).toBe("1");
  });

  test("binds host folders, read-only where asked", async () => {
    const folder = mkdtempSync("/var/tmp/tug-bind-");
    writeFileSync(join(folder, "file"), "from the host");
    const result = await docker(
      "run",
      "--rm",
      "-v",
      `${folder}:/mnt:ro`,
      "busybox",
      "sh",
      "-c",
      "cat /mnt/file; touch /mnt/x",
    );
    expect(result.stdout).toBe("from the host");
    expect(result.stderr).toContain("Read-only file system");
    await ok("run", "--rm", "--mount", `type=bind,src=${folder},dst=/mnt`, "busybox", "touch", "/mnt/y");
    expect(await Bun.file(join(folder, "y")).exists()).toBe(true);
    rmSync(folder, { recursive: true });
  });

  test("--read-only and --tmpfs", async () => {
    const script = "touch /x 2>&1; touch /run/y && echo written";
    const result = await docker("run", "--rm", "--read-only", "--tmpfs", "/run", "busybox", "sh", "-c", script);
    expect(result.stdout).toBe("touch: /x: Read-only file system\nwritten\n");
  });
});

describe("a container in the background", () => {
  test("is listed, logged, entered, stopped, started again and removed", async () => {
    const id = await ok(
      "run",
      "-d",
      "--name",
      "sleeper",
      "busybox",
      "sh",
      "-c",
      "trap 'echo bye; exit 3' TERM; echo hello; while :; do sleep 0.1; done",
    );
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await ok("ps", "--format", "{{.Names}} {{.Image}} {{.State}}")).toBe("sleeper busybox running");
    expect(await ok("exec", "sleeper", "hostname")).toBe(id.slice(0, 12));
    expect((await docker("exec", "sleeper", "sh", "-c", "exit 9")).code).toBe(9);
    expect(await ok("top", "sleeper", "-eo", "pid,comm")).toContain("sh");
    await ok("stop", "sleeper");
    expect(await ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "sleeper")).toBe("exited 3");
    expect(await ok("logs", "sleeper")).toBe("hello\nbye");
    expect(await ok("logs", "--tail", "1", "sleeper")).toBe("bye");
    await ok("start", "sleeper");
    await ok("rename", "sleeper", "renamed");
    expect(await ok("ps", "-q", "--no-trunc", "--filter", "name=renamed")).toBe(id);
    expect((await docker("rm", "renamed")).stderr).toContain(
      "container is running: stop the container before removing or force remove",
    );
    await ok("rm", "-f", "renamed");
    expect(await ok("ps", "-aq")).toBe("");
  });

  test("its log can be followed to its end", async () => {
    await ok("run", "-d", "--name", "talker", "busybox", "sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done");
    expect(await ok("logs", "-f", "talker")).toBe("1\n2\n3\n4\n5");
    await ok("rm", "talker");
  });

  test("wait gives its exit code", async () => {
    await ok("run", "-d", "--name", "waited", "busybox", "sh", "-c", "sleep 0.2; exit 42");
    expect(await ok("wait", "waited")).toBe("42");
    await ok("rm", "waited");
  });

  test("a restart policy starts it again as often as asked", async () => {
    await ok("run", "-d", "--name", "failing", "--restart", "on-failure:2", "busybox", "false");
    await daemon.api("POST", "/containers/failing/wait?condition=not-running");
    for (let tries = 0; tries < 100; tries++) {
      if ((await ok("inspect", "-f", "{{.State.Status}} {{.RestartCount}}", "failing")) === "exited 2") break;
      await Bun.sleep(50);
    }
    expect(await ok("inspect", "-f", "{{.State.Status}} {{.RestartCount}}", "failing")).toBe("exited 2");
    await ok("rm", "failing");
  });
});

describe("docker images", () => {
  test("load, tag, save, rmi and load again keep the image's ID", async () => {
    const id = await ok("images", "-q", "--no-trunc", "busybox");
    await ok("tag", "busybox", "example.com:5000/a/b:c");
    const folder = mkdtempSync("/var/tmp/tug-save-");
    await ok("save", "-o", join(folder, "image.tar"), "example.com:5000/a/b:c");
    expect(await ok("rmi", "example.com:5000/a/b:c")).toBe("Untagged: example.com:5000/a/b:c");
    expect(await ok("rmi", "busybox")).toContain(`Deleted: ${id}`);
    expect(await ok("images", "-q", "busybox")).toBe("");
    expect(await ok("load", "-i", join(folder, "image.tar"))).toBe("Loaded image: example.com:5000/a/b:c");
    expect(await ok("images", "-q", "--no-trunc", "example.com:5000/a/b:c")).toBe(id);
    await ok("load", "-i", await makeBusyboxImage());
    rmSync(folder, { recursive: true });
  });

  test("import makes an image of a tar", async () => {
    const folder = mkdtempSync("/var/tmp/tug-import-");
    await Bun.$`mkdir -p ${folder}/bin && cp /bin/busybox ${folder}/bin/ && tar -C ${folder} -cf ${folder}.tar bin`.quiet();
    await ok("import", "-c", 'CMD ["/bin/busybox", "echo", "imported"]', `${folder}.tar`, "imported:1");
    expect(await ok("run", "--rm", "imported:1")).toBe("imported");
    await ok("rmi", "imported:1");
    await Bun.$`rm -rf ${folder} ${folder}.tar`.quiet();
  });

  test("the built-in image needs no registry", async () => {
    expect(await ok("run", "--rm", "tug/hello")).toContain("Hello");
  });
});

describe("docker system", () => {
  test("events tells the life of a container in order", async () => {
    const since = (Date.now() / 1000).toFixed(3);
    await ok("run", "--rm", "--name", "watched", "busybox", "true");
    const until = (Date.now() / 1000 + 0.01).toFixed(3);
    const lines = await ok(
      "events",
      "--since",
      since,
      "--until",
      until,
      "--filter",
      "type=container",
      "--format",
      "{{.Action}}",
    );
    expect(lines.split("\n").filter((line) => line !== "attach")).toEqual(["create", "start", "die", "destroy"]);
  });

  test.each([
    ["info"],
    ["version"],
    ["network", "ls"],
    ["volume", "ls"],
    ["plugin", "ls"],
    ["system", "df"],
    ["image", "ls"],
    ["container", "ls"],
  ])("%p answers", async (...args) => {
    await ok(...(args as string[]));
  });
});
