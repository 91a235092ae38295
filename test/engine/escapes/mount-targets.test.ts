/**
 * Symbolic links of the image, or of a volume that changes while we look, where the engine mounts, writes or reads.
 *
 *     CVE-2019-16884, CVE-2019-19921, CVE-2023-27561   /proc of the image is a link, so that masks land elsewhere
 *     CVE-2021-30465                                   a mount target is exchanged for a link while it is looked up
 *     CVE-2018-15664, CVE-2019-14271                   reading and writing the container's files by the host's rules
 *
 * What stops them: targets are resolved by the kernel beneath the container's root (openat2 with RESOLVE_IN_ROOT), and then
 * only their descriptors count; proc, sysfs and cgroup are never mounted over a link; nothing lands in procfs over one.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Member } from "#fixtures";
import { TestDaemon } from "../_daemon.ts";
import { Canary, type HostileImage, loadImages, SharedFolder } from "./_attack.ts";

const canary = new Canary();
let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
  await loadImages(daemon, [...linkedImages(), ...passwdImages(), ...ROOTS]);
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  canary[Symbol.dispose]();
});

const docker = (...args: string[]) => daemon.cli("docker", args);
const run = (...args: string[]) => docker("run", "--rm", "--net=none", ...args);

const link = (name: string, target: string): Member => ({ name, type: "symlink", target });

/** Where the engine mounts something, and what makes it do so. */
const TARGETS: readonly { path: string; flags?: string[] }[] = [
  { path: "proc" },
  { path: "sys" },
  { path: "dev" },
  { path: "etc/hosts" },
  { path: "etc/resolv.conf" },
  { path: "etc/hostname" },
  { path: "etc" },
  { path: "mnt", flags: ["-v", "/media:/mnt"] },
  { path: "deep", flags: ["-v", "/media:/deep/er/still"] },
  { path: "scratch", flags: ["--tmpfs", "/scratch"] },
  { path: "copied", flags: ["--tmpfs", "/copied/er"] },
  { path: "work", flags: ["-w", "/work/new"] },
];

/** Where the links of the image lead. */
const AIMS: Readonly<Record<string, string>> = {
  absolute: `${canary.path}/folder`,
  climbing: `${canary.climbing}/folder`,
  "beyond-init": `/proc/1/root${canary.path}/folder`,
  attributes: "/proc/self/attr",
  descriptor: "/proc/self/fd/3",
  sysctl: "/proc/sys/kernel",
  parent: "..",
  loop: "loop",
};

/** The `docker` command says 127 for every refusal that speaks of "no such file or directory". */
const REFUSED_OR_FINE = [0, 125, 127];

const tagOf = (path: string, aim: string) => `escape-${path.replaceAll(/[/.]/g, "-")}-${aim}`;

function linkedImages(): HostileImage[] {
  return TARGETS.flatMap(({ path }) =>
    Object.entries(AIMS).map(([name, target]) => ({
      tag: tagOf(path, name),
      members: [link(path, target === "loop" ? `/${path}` : target)],
    })),
  );
}

describe.each(TARGETS.map((target) => [target.path, target] as const))("/%s of the image is a link", (path, target) => {
  test.each(Object.keys(AIMS))("to %s: nothing of the host is touched", async (aim) => {
    const result = await run(...(target.flags ?? []), tagOf(path, aim), "/bin/true");
    expect(canary.changes()).toBe("");
    expect(REFUSED_OR_FINE).toContain(result.code);
    // What confines the container is not mounted over links, and nothing lands in procfs over one.
    const intoProcfs = ["attributes", "descriptor", "sysctl", "beyond-init"].includes(aim) && path !== "work";
    if (path === "proc" || path === "sys" || aim === "loop" || intoProcfs) expect(result.code).not.toBe(0);
  });
});

test("mounts land where the links lead by the container's rules", async () => {
  const found = await run(tagOf("etc/hosts", "absolute"), "cat", `${canary.path}/folder`);
  expect(found.stdout).toContain("127.0.0.1\tlocalhost");
  const climbed = await run(tagOf("etc/hostname", "climbing"), "wc", "-c", `${canary.path}/folder`);
  expect(climbed.stdout).toStartWith("13 ");
  const worked = await run("-w", "/work/new", tagOf("work", "absolute"), "pwd");
  expect(worked.stdout).toBe(`${canary.path}/folder/new\n`);
  expect(canary.changes()).toBe("");
});

const ROOTS: readonly HostileImage[] = [
  { tag: "proc-is-file", members: [{ name: "proc", data: "no directory" }] },
  { tag: "proc-is-fifo", members: [{ name: "proc", type: "fifo" }] },
  { tag: "sys-is-device", members: [{ name: "sys", type: "char", device: { major: 1, minor: 3 } }] },
  { tag: "dev-is-file", members: [{ name: "dev", data: "no directory" }] },
];

test.each(ROOTS.map(({ tag }) => tag))("%s: the container is refused, and says where", async (tag) => {
  const result = await run(tag, "/bin/true");
  expect(result.code).toBe(125);
  expect(result.stderr).toMatch(/mount .*"\/(proc|sys|dev)"/);
});

test.each([
  ["-v", "/media:/proc"],
  ["-v", "/media:/proc/sys"],
  ["-v", "/media:/proc/self/attr"],
  ["-v", "/media:/sys/../proc/sys"],
  ["--tmpfs", "/proc"],
  ["--tmpfs", "/proc/self"],
])("%s %s would let the container fake its procfs, and is refused (CVE-2019-16884)", async (flag, value) => {
  const result = await run(flag, value, "busybox", "true");
  expect(result.code).toBe(125);
  expect(result.stderr).toMatch(/cannot be mounted because it is/);
});

test("a target that another container exchanges for a link stays in the container (CVE-2021-30465)", async () => {
  using shared = new SharedFolder();
  const swap = `while :; do mkdir d; rmdir d; ln -s ${canary.path}/folder d; rm d; ln -s ${canary.climbing} d; rm d; done`;
  const volume = ["-v", `${shared.path}:/shared`];
  await daemon.ok("docker", ["run", "-d", "--name=swapper", ...volume, "-w", "/shared", "busybox", "sh", "-c", swap]);
  const outcomes = new Set<number>();
  for (let tries = 0; tries < 12; tries++) {
    const mounts = ["-v", "/media:/shared/d/planted", "--tmpfs", "/shared/d/scratch", "-w", "/shared/d/work"];
    outcomes.add((await run(...volume, ...mounts, "busybox", "touch", "/shared/d/mark")).code);
    expect(canary.changes()).toBe("");
  }
  await daemon.ok("docker", ["rm", "-f", "swapper"]);
  // It runs, or its start is refused in the words of whatever was in the way just then.
  for (const code of outcomes) expect([0, 1, 125, 126, 127]).toContain(code);
});

test("a device that another container exchanges for a link: the file of the host keeps its mode", async () => {
  using shared = new SharedFolder();
  const swap = `while :; do ln -sf ${canary.path}/file d; rm -f d; mknod d c 1 5; rm -f d; done`;
  const attacker = ["-v", `${shared.path}:/shared`, "-w", "/shared", "busybox", "sh", "-c", swap];
  await daemon.ok("docker", ["run", "-d", "--name=device-swapper", ...attacker]);
  for (let tries = 0; tries < 12; tries++) {
    await run("-v", `${shared.path}:/shared`, "--device=/dev/zero:/shared/d", "busybox", "true");
    expect(canary.changes()).toBe("");
  }
  await daemon.ok("docker", ["rm", "-f", "device-swapper"]);
});

/** /etc/passwd and /etc/group are read by the daemon, to find the user's ID. */
function passwdImages(): HostileImage[] {
  const files: Record<string, Member> = {
    "link-to-host": link("etc/passwd", `${canary.path}/file`),
    climbing: link("etc/passwd", `${canary.climbing}/file`),
    "through-init": link("etc/passwd", `/proc/1/root${canary.path}/file`),
    loop: link("etc/passwd", "passwd"),
    fifo: { name: "etc/passwd", type: "fifo" },
    zeros: { name: "etc/passwd", type: "char", device: { major: 1, minor: 5 } },
    tty: { name: "etc/passwd", type: "char", device: { major: 5, minor: 0 } },
    directory: { name: "etc/passwd/", type: "directory" },
    binary: { name: "etc/passwd", data: Buffer.alloc(100_000, 0xff) },
    huge: { name: "etc/passwd", data: Buffer.alloc(40 << 20, "x") },
    "many-lines": { name: "etc/passwd", data: ":\n".repeat(2 << 20) },
  };
  return Object.entries(files).map(([name, member]) => ({ tag: `passwd-${name}`, members: [member] }));
}

test.each(passwdImages().map(({ tag }) => tag))("%s: no user is found in it, soon", async (tag) => {
  const started = performance.now();
  const result = await run("-u", canary.secret, tag, "id");
  expect(result.code).toBe(125);
  expect(result.stderr).toMatch(/unable to find user|passwd/);
  expect(result.stderr).not.toContain("panic");
  expect(performance.now() - started).toBeLessThan(5000);
});
