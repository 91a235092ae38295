/**
 * Descriptors and programs of the host that a process could inherit, name, or look at in another process.
 *
 *     CVE-2024-21626   working directory or program through /proc/self/fd/N of a leaked descriptor
 *     CVE-2019-5736    /proc/self/exe as the program, then overwriting the runtime's binary
 *     CVE-2016-9962    looking into a process that enters the container, before it became the program
 *     CVE-2014-9357, CVE-2015-3627   descriptors 1 and 2 of the engine itself
 *
 * What stops them: the working directory must have a path; before the program is looked for, everything but the stdio, a
 * socket and the sealed program is closed; the executor runs from a sealed memory file; who enters is not dumpable.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { TestDaemon } from "../_daemon.ts";
import { Canary, type HostileImage, loadImages } from "./_attack.ts";

const DESCRIPTORS = Array.from({ length: 12 }, (_, index) => index + 3);
const canary = new Canary();
let daemon: TestDaemon;
let victimPid: string;
let programs: string;

beforeAll(async () => {
  daemon = await TestDaemon.start();
  await loadImages(daemon, IMAGES);
  await daemon.ok("docker", ["run", "-d", "--name=victim", "busybox", "sleep", "600"]);
  victimPid = await daemon.ok("docker", ["inspect", "-f", "{{.State.Pid}}", "victim"]);
  programs = hashPrograms();
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  canary[Symbol.dispose]();
});

const docker = (...args: string[]) => daemon.cli("docker", args);
const run = (...args: string[]) => docker("run", "--rm", "--net=none", ...args);

const IMAGES: readonly HostileImage[] = [
  { tag: "probed" },
  { tag: "self-exe", config: { Entrypoint: ["/proc/self/exe"], Cmd: ["serve"] } },
  {
    tag: "self-interpreter",
    members: [
      { name: "bin/plain", data: "#!/proc/self/exe\n", mode: 0o755 },
      { name: "bin/serve", data: "#!/proc/self/exe serve\n", mode: 0o755 },
      { name: "bin/linked", type: "symlink", target: "/proc/self/exe" },
    ],
  },
  ...DESCRIPTORS.map((fd) => ({ tag: `workdir-${fd}`, config: { WorkingDir: `/proc/self/fd/${fd}` } })),
  ...DESCRIPTORS.map((fd) => ({
    tag: `interpreter-${fd}`,
    members: [{ name: "bin/script", data: `#!/proc/self/fd/${fd}/self/root/bin/busybox true\n`, mode: 0o755 }],
  })),
];

describe("a process has stdio and nothing else", () => {
  const only = /^fd 0 (\/dev\/null|pipe:|\/dev\/pts\/\d)\nfd 1 (pipe:|\/dev\/pts\/\d)\nfd 2 (pipe:|\/dev\/pts\/\d)\n$/;

  test.each([[[]], [["--init"]], [["-t"]], [["-i"]], [["--privileged"]], [["--pid=host"]]])("run %p", async (flags) => {
    expect((await run(...flags, "probed", "probe", "fds")).stdout.replaceAll("\r", "")).toMatch(only);
  });

  test.each([[[]], [["-t"]], [["-i"]], [["--privileged"]], [["-u", "1000"]]])("exec %p", async (flags) => {
    await daemon.ok("docker", ["run", "-d", "--name=entered", "probed", "sleep", "600"]);
    const result = await docker("exec", ...flags, "entered", "probe", "fds");
    expect(result.stdout.replaceAll("\r", "")).toMatch(only);
    await daemon.ok("docker", ["rm", "-f", "entered"]);
  });
});

describe("/proc/self/fd leads nowhere (CVE-2024-21626)", () => {
  test.each(DESCRIPTORS)("descriptor %d as the working directory", async (fd) => {
    for (const path of [`/proc/self/fd/${fd}`, `/proc/self/fd/${fd}/self/root`]) {
      expect((await run("-w", path, "busybox", "pwd")).code).not.toBe(0);
      expect((await docker("exec", "-w", path, "victim", "pwd")).code).not.toBe(0);
    }
    expect((await run(`workdir-${fd}`, "pwd")).code).not.toBe(0);
  });

  test.each(DESCRIPTORS)("descriptor %d on the way to the program", async (fd) => {
    for (const path of [`/proc/self/fd/${fd}/${victimPid}/root/bin/true`, `/proc/self/fd/${fd}/self/root/bin/true`]) {
      expect((await run("busybox", path)).code).not.toBe(0);
      expect((await docker("exec", "victim", path)).code).not.toBe(0);
    }
    expect((await run(`interpreter-${fd}`, "/bin/script")).code).not.toBe(0);
  });

  test("a link in the container made for the exec to come", async () => {
    const links = DESCRIPTORS.map((fd) => `ln -s /proc/self/fd/${fd}/../../.. /out${fd}`).join("; ");
    await daemon.ok("docker", ["exec", "victim", "sh", "-c", links]);
    for (const fd of DESCRIPTORS) {
      expect((await docker("exec", "-w", `/out${fd}`, "victim", "cat", `.${canary.path}/file`)).stdout).not.toContain(
        canary.secret,
      );
    }
  });
});

describe("the executor's program cannot be changed (CVE-2019-5736)", () => {
  test("it runs from memory, sealed", () => {
    const [serve] = childrenOf(daemon.pid).filter((pid) =>
      readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("tug-exec"),
    );
    expect(readlinkSync(`/proc/${serve}/exe`)).toStartWith("/memfd:tug-exec");
    const script = `import fcntl; print(fcntl.fcntl(open("/proc/${serve}/exe", "rb"), 1034))`;
    const seals = Number(Bun.spawnSync(["python3", "-c", script]).stdout.toString());
    expect(seals & 0b1111).toBe(0b1111);
  });

  test.each([
    ["self-exe", []],
    ["self-interpreter", ["/bin/plain"]],
    ["self-interpreter", ["/bin/serve"]],
    ["self-interpreter", ["/bin/linked", "serve"]],
    ["busybox", ["/proc/self/exe"]],
  ])("%s %p", async (tag, command) => {
    await docker("run", "--rm", "--stop-timeout=0", "--pids-limit=50", tag, ...command);
    if (tag !== "self-exe") await docker("exec", "victim", ...command);
    expect(hashPrograms()).toBe(programs);
  });

  test("no write through what another process runs, whoever it is", async () => {
    const write =
      "for p in /proc/[0-9]*; do case $(readlink $p/exe) in *tug-exec*) echo found; (: > $p/exe) && echo opened;; esac; done";
    const strong = ["--security-opt=seccomp=unconfined", "--cap-add=ALL", "--init"];
    const result = await run(...strong, "busybox", "sh", "-c", write);
    expect(result.stdout).toBe("found\n");
    expect(result.stderr).toContain("Text file busy");
    expect(hashPrograms()).toBe(programs);
  });
});

test("a process that enters the container cannot be looked into before it is the program (CVE-2016-9962)", async () => {
  const spy = [
    "while :; do for p in /proc/[0-9]*; do",
    '[ "$(cat $p/comm 2>/dev/null)" = tug-child ] && { echo seen; ls -l $p/fd/ $p/cwd $p/root $p/exe 2>/dev/null; cat $p/environ $p/maps 2>/dev/null; }',
    "done; done",
  ].join(" ");
  await daemon.ok("docker", ["run", "-d", "--name=spy", "busybox", "sh", "-c", spy]);
  let seen = "";
  for (let tries = 0; tries < 300 && seen.split("seen").length < 4; tries++) {
    await daemon.ok("docker", ["exec", "spy", "true"]);
    seen = await daemon.ok("docker", ["logs", "spy"]);
  }
  await daemon.ok("docker", ["rm", "-f", "spy"]);
  // It was there, and so were its descriptors. What they lead to may only be known once it is the program: then they are stdio.
  expect(seen).toContain("seen");
  expect(seen).not.toMatch(/ -> .*(memfd|anon_inode|socket:|net:|mnt:|tug|proc$)|tug-exec/m);
});

test("the engine's sockets and processes are not to be seen from a container", async () => {
  const look = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; cat /proc/net/unix; ls -A /run /var/run /tmp 2>/dev/null";
  const result = await docker("run", "--rm", "busybox", "sh", "-c", look);
  expect(result.stdout).not.toMatch(/tugd|monitor|tug\.sock|tugt/);
});

test("descriptors of the daemon and the monitors do not grow with attacks", async () => {
  const count = () => readdirSync(`/proc/${daemon.pid}/fd`).length;
  await docker("exec", "victim", "/proc/self/fd/3/1/root/bin/true");
  const before = count();
  for (let tries = 0; tries < 10; tries++) await docker("exec", "-w", "/proc/self/fd/3", "victim", "true");
  expect(count()).toBeLessThanOrEqual(before + 2);
});

function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
}

/** The daemon's program, and the executor's as it lies on disk. */
function hashPrograms(): string {
  return [`/proc/${daemon.pid}/exe`, join(daemon.execRoot, "bin/tug-exec")]
    .map((path) => createHash("sha256").update(readFileSync(path)).digest("hex"))
    .join();
}
