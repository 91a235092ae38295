/**
 * What /proc and /sys give away or let be changed: masked and read-only paths, and writes that are led elsewhere.
 *
 *     CVE-2025-31133   /dev/null of the container is replaced, so that "masking" binds what the attacker chose
 *     CVE-2025-52565   /dev/console is bound over a link, before anything is masked
 *     CVE-2025-52881   the engine's writes to procfs (sysctls, labels, scores) go to another file of it
 *     CVE-2020-15257, CVE-2022-0811 and others   core_pattern and sysrq-trigger as the way out
 *
 * What stops them: masks are made of a descriptor that was checked to be the null device; the terminal is bound by its
 * descriptor; procfs is written through the host's own, opened before any container, and never over a link.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TestDaemon } from "../_daemon.ts";
import { Canary, loadImages, SharedFolder } from "./_attack.ts";

const canary = new Canary();
let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
  await loadImages(daemon, [
    {
      tag: "false-devices",
      members: [
        { name: "dev/null", data: "no device" },
        { name: "dev/console", type: "symlink", target: "/proc/sysrq-trigger" },
        { name: "dev/pts", type: "symlink", target: canary.path },
        { name: "dev/ptmx", type: "symlink", target: "/proc/kcore" },
      ],
    },
  ]);
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  canary[Symbol.dispose]();
});

const docker = (...args: string[]) => daemon.cli("docker", args);
const run = (...args: string[]) => docker("run", "--rm", "--net=none", ...args);
const shell = (script: string, ...flags: string[]) => run(...flags, "busybox", "sh", "-c", script);

/** Docker's default lists (moby/daemon/pkg/oci/defaults.go), and what sort of thing each is where the kernel has it. */
const MASKED = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

describe("by default", () => {
  test.each(MASKED)("%s shows nothing", async (path) => {
    const look = `[ -e ${path} ] || exit 0; if [ -d ${path} ]; then ls -A ${path}; else cat ${path}; fi`;
    expect(await shell(look)).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test.each(READ_ONLY)("%s cannot be written", async (path) => {
    const write = `[ -e ${path} ] || exit 0; if [ -d ${path} ]; then find ${path} -type f | head -1; else echo ${path}; fi | { read f; echo 0 > $f; }`;
    const result = await shell(write);
    expect(result.stderr).toMatch(/Read-only file system|^$/);
    const mounts = await shell(`grep ' ${path} ' /proc/self/mountinfo || [ ! -e ${path} ]`);
    expect(mounts.stdout).toMatch(/ ro,|^$/);
    expect(mounts.code).toBe(0);
  });

  test.each([
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/vm/panic_on_oom",
    "/proc/sys/fs/binfmt_misc/register",
    "/proc/sysrq-trigger",
    "/sys/kernel/uevent_helper",
    "/sys/power/state",
    "/sys/fs/cgroup/release_agent",
  ])("%s cannot be opened for writing", async (path) => {
    expect((await shell(`[ ! -e ${path} ] || : >> ${path}`)).code).toBe(
      (await shell(`[ ! -e ${path} ]`)).code === 0 ? 0 : 1,
    );
  });

  test.each([
    "mount -o remount,rw /proc/sys",
    "mount -o remount,bind,rw /proc/sys",
    "mount -o remount,rw /sys",
    "umount /proc/kcore",
    "umount -l /proc",
    "umount -l /sys/firmware",
    "mount -t proc proc /mnt",
    "mount -t sysfs sysfs /mnt",
    "mount -t tmpfs none /tmp",
    "mount --bind /proc /tmp",
    "mount --move /proc /tmp",
    "mount --make-shared /",
    "chroot /proc/1/root umount /proc/kcore",
    "pivot_root / /tmp",
  ])("`%s` is not permitted", async (command) => {
    const result = await shell(`mkdir -p /mnt; ${command}`);
    expect(result.code).not.toBe(0);
    expect(result.stderr).toMatch(/[Pp]ermission denied|not permitted/);
  });

  test("links through /proc do not get behind a mask", async () => {
    const paths = ["/proc/self/root/proc/kcore", "/proc/thread-self/root/proc/keys", "/proc/1/root/proc/timer_list"];
    for (const path of [...paths, "/dev/core"]) expect((await shell(`cat ${path}`)).stdout).toBe("");
    expect((await shell("ls -A /proc/self/root/sys/firmware")).stdout).toBe("");
  });
});

describe("devices that are none", () => {
  test("an image's /dev is covered: null is the device, the console a terminal", async () => {
    const script =
      "stat -c '%t:%T' /dev/null; test -c /dev/console && tty < /dev/console; cat /proc/keys; ls -A /sys/firmware";
    expect((await run("-t", "false-devices", "sh", "-c", script)).stdout).toBe("1:3\r\n/dev/console\r\n");
    expect(canary.changes()).toBe("");
  });

  test.each([
    ["a file", (path: string) => writeFileSync(join(path, "null"), "attacker's")],
    ["a link to a file of the host", (path: string) => symlinkSync(`${canary.path}/file`, join(path, "null"))],
    ["a link to procfs", (path: string) => symlinkSync("/proc/sys/kernel/core_pattern", join(path, "null"))],
  ])("a volume on /dev whose null is %s masks nothing with it (CVE-2025-31133)", async (_, prepare) => {
    using shared = new SharedFolder();
    prepare(shared.path);
    const result = await run("-v", `${shared.path}:/dev`, "busybox", "cat", "/proc/kcore");
    expect(result.code).not.toBe(0);
    expect(result.stderr).toMatch(/"\/dev\/null"/);
    expect(canary.changes()).toBe("");
  });

  test.each([
    ["/proc/sysrq-trigger", ""],
    ["/proc/self/attr/exec", ""],
    [canary.path, "/file"],
    [canary.climbing, "/file"],
  ])(
    "a volume on /dev whose console is a link to %s%s: nothing is put there (CVE-2025-52565)",
    async (target, rest) => {
      using shared = new SharedFolder();
      const made = Bun.spawnSync(["mknod", "-m", "666", join(shared.path, "null"), "c", "1", "3"]);
      expect(made.success).toBe(true);
      symlinkSync(`${target}${rest}`, join(shared.path, "console"));
      await run("-t", "-v", `${shared.path}:/dev`, "busybox", "echo", "written to the terminal");
      expect(canary.changes()).toBe("");
      const mounts = await run("-t", "-v", `${shared.path}:/dev`, "busybox", "cat", "/proc/self/mountinfo");
      expect(mounts.stdout).not.toMatch(/sysrq-trigger rw|attr|canary/);
    },
  );

  test("a volume on /dev/pts is no terminal multiplexer", async () => {
    using shared = new SharedFolder();
    symlinkSync("/dev/ptmx", join(shared.path, "ptmx"));
    const result = await run("-t", "-v", `${shared.path}:/dev/pts`, "busybox", "true");
    expect(result.code).not.toBe(0);
    expect(`${result.stdout}${result.stderr}`).toContain("/dev/pts/ptmx");
  });

  test("an exec's terminal is not taken from a /dev/pts that the container replaced", async () => {
    const replace = "umount /dev/pts; mkdir -p /dev/pts; ln -s /proc/sysrq-trigger /dev/pts/ptmx; sleep 600";
    const flags = ["--cap-add=SYS_ADMIN", "--security-opt=apparmor=unconfined", "--security-opt=seccomp=unconfined"];
    await daemon.ok("docker", ["run", "-d", "--name=no-pts", ...flags, "busybox", "sh", "-c", replace]);
    await daemon.ok("docker", ["exec", "no-pts", "sh", "-c", "until [ -L /dev/pts/ptmx ]; do usleep 1000; done"]);
    const result = await docker("exec", "-t", "no-pts", "true");
    expect(result.code).not.toBe(0);
    expect(`${result.stdout}${result.stderr}`).toContain("/dev/pts/ptmx");
    await daemon.ok("docker", ["rm", "-f", "no-pts"]);
  });
});

describe("what the engine writes to procfs (CVE-2025-52881)", () => {
  test("arrives in the container's namespaces, and only there", async () => {
    const before =
      readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8") + readFileSync("/proc/sys/kernel/msgmax", "utf8");
    const read = "cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_default_ttl /proc/self/oom_score_adj";
    const flags = ["--sysctl=kernel.msgmax=12345", "--sysctl=net.ipv4.ip_default_ttl=77", "--oom-score-adj=321"];
    expect((await shell(read, ...flags)).stdout).toBe("12345\n77\n321\n");
    expect(
      readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8") + readFileSync("/proc/sys/kernel/msgmax", "utf8"),
    ).toBe(before);
  });

  test.each([
    "kernel.core_pattern=|/bin/x",
    "kernel.hostname=x",
    "kernel.sysrq=1",
    "vm.panic_on_oom=1",
    "net.ipv4/../../kernel/core_pattern=x",
    "kernel/msgmax/../core_pattern=x",
    "kernel.shm_rmid_forced/../modprobe=x",
    "fs.mqueue.../../kernel/core_pattern=x",
    "fs.file-max=1",
  ])("--sysctl %s is of the whole machine, and refused", async (sysctl) => {
    const before = readFileSync("/proc/sys/kernel/core_pattern", "utf8");
    const result = await run("--sysctl", sysctl, "busybox", "true");
    expect(result.code).toBe(125);
    expect(readFileSync("/proc/sys/kernel/core_pattern", "utf8")).toBe(before);
  });

  test.each([
    ["--net=host", "net.ipv4.ip_forward=1"],
    ["--ipc=host", "kernel.msgmax=12345"],
  ])("with %s, so is --sysctl %s", async (flag, sysctl) => {
    const result = await docker("run", "--rm", flag, "--sysctl", sysctl, "busybox", "true");
    expect(result.code).toBe(125);
    expect(result.stderr).toContain("not allowed");
  });
});
