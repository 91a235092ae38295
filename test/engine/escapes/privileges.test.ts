/**
 * What root in a container may do: capabilities, system calls, devices, cgroups, keys.
 *
 *     CVE-2022-29162, CVE-2022-24769   inheritable capabilities that should be empty
 *     CVE-2022-0492                    a cgroup v1 release_agent, after unsharing user, mount and cgroup namespaces
 *     CVE-2014-3499 (Shocker)          open_by_handle_at walks the host's filesystem
 *     CVE-2022-0185, CVE-2023-32233    kernel bugs that take a user namespace or the new mount API
 *     CVE-2016-9793 and many others    kernel bugs behind bpf, keyctl, perf_event_open, userfaultfd, io_uring
 *
 * What stops them: Docker's capability sets and seccomp profile, compiled for all entries that the kernel has (native,
 * i386, x32); the device cgroup; read-only cgroups; a session keyring of its own; no_new_privs where asked.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { probeProgram } from "#fixtures";
import { TestDaemon } from "../_daemon.ts";
import { loadImages } from "./_attack.ts";

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
  await loadImages(daemon, [
    {
      tag: "armed",
      members: [
        { name: "bin/su-probe", data: probeProgram(), mode: 0o6755 },
        { name: "dev-sda", type: "block", device: { major: 8, minor: 0 }, mode: 0o666 },
        { name: "dev-mem", type: "char", device: { major: 1, minor: 1 }, mode: 0o666 },
      ],
    },
  ]);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const run = (...args: string[]) => daemon.cli("docker", ["run", "--rm", "--net=none", ...args]);
const shell = (script: string, ...flags: string[]) => run(...flags, "armed", "sh", "-c", script);

const NONE = "0000000000000000";
const DEFAULT = "00000000a80425fb";
const ALL = /CapBnd:\t(\w+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
const READ_SETS = ["sh", "-c", "grep ^Cap /proc/self/status | cut -f2"];

describe("capabilities: inheritable, permitted, effective, bounding, ambient", () => {
  const sets = (inheritable: string, permitted: string, bounding: string) =>
    `${inheritable}\n${permitted}\n${permitted}\n${bounding}\n${NONE}\n`;

  test.each([
    [[], sets(NONE, DEFAULT, DEFAULT)],
    [["-u", "1000"], sets(NONE, NONE, DEFAULT)],
    [["--privileged"], sets(NONE, ALL, ALL)],
    [["--privileged", "-u", "1000"], sets(NONE, NONE, ALL)],
    [["--cap-drop=ALL"], sets(NONE, NONE, NONE)],
    [["--cap-drop=ALL", "--cap-add=CHOWN"], sets(NONE, "0000000000000001", "0000000000000001")],
    [["--cap-add=SYS_ADMIN"], sets(NONE, "00000000a82425fb", "00000000a82425fb")],
    [["--cap-add=ALL"], sets(NONE, ALL, ALL)],
    [["--cap-add=ALL", "--cap-drop=NET_RAW", "-u", "1000"], sets(NONE, NONE, without(ALL, 13))],
  ])("run %p", async (flags, expected) => {
    expect((await run(...flags, "armed", ...READ_SETS)).stdout).toBe(expected);
  });

  test.each([
    [[], sets(NONE, DEFAULT, DEFAULT)],
    [["-u", "1000"], sets(NONE, NONE, DEFAULT)],
    [["--privileged"], sets(NONE, ALL, ALL)],
    [["-u", "1000", "--privileged"], sets(NONE, NONE, ALL)],
  ])("exec %p", async (flags, expected) => {
    await daemon.ok("docker", ["run", "-d", "--name=capable", "armed", "sleep", "600"]);
    expect((await daemon.cli("docker", ["exec", ...flags, "capable", ...READ_SETS])).stdout).toBe(expected);
    await daemon.ok("docker", ["rm", "-f", "capable"]);
  });
});

/** A set without one capability. */
function without(set: string, bit: number): string {
  return (BigInt(`0x${set}`) & ~(1n << BigInt(bit))).toString(16).padStart(16, "0");
}

describe("no-new-privileges", () => {
  const who = ["/bin/su-probe", "status"];

  test("a set-uid program makes root without it, and nobody with it", async () => {
    const free = await run("-u", "1000:1000", "armed", ...who);
    expect(free.stdout).toContain("Uid 1000,0,0,0");
    const bound = await run("-u", "1000:1000", "--security-opt=no-new-privileges", "armed", ...who);
    expect(bound.stdout).toContain("Uid 1000,1000,1000,1000");
    expect(bound.stdout).toContain("NoNewPrivs 1");
    expect(bound.stdout).toContain(`CapPrm ${NONE}`);
  });

  test("it holds for execs, privileged ones too", async () => {
    const flags = ["-d", "--name=bound", "--security-opt=no-new-privileges"];
    await daemon.ok("docker", ["run", ...flags, "armed", "sleep", "600"]);
    for (const further of [[], ["--privileged"]]) {
      const result = await daemon.cli("docker", ["exec", "-u", "1000", ...further, "bound", ...who]);
      expect(result.stdout).toContain("Uid 1000,1000,1000,1000");
    }
    await daemon.ok("docker", ["rm", "-f", "bound"]);
  });
});

/** Calls with harmless arguments, most of them wrong. x86_64's numbers, then i386's. */
const CALLS: readonly (readonly [name: string, native: number, i386: number, args: string[]])[] = [
  ["unshare", 272, 310, ["0"]],
  ["setns", 308, 346, ["-1", "0"]],
  ["keyctl", 250, 288, ["0", "-3", "0"]],
  ["add_key", 248, 286, ["0", "0", "0", "0"]],
  ["request_key", 249, 287, ["0", "0", "0"]],
  ["bpf", 321, 357, ["99", "-", "8"]],
  ["perf_event_open", 298, 336, ["0", "0", "-1", "-1", "0"]],
  ["io_uring_setup", 425, 425, ["0", "0"]],
  ["userfaultfd", 323, 374, ["0x70000000"]],
  ["fsopen", 430, 430, ["0", "0"]],
  ["open_tree", 428, 428, ["-1", "0", "0"]],
  ["move_mount", 429, 429, ["-1", "0", "-1", "0", "0x7fffffff"]],
  ["mount_setattr", 442, 442, ["-1", "0", "0", "0", "0"]],
  ["open_by_handle_at", 304, 342, ["-1", "-", "0"]],
  ["mount", 165, 21, ["0", "/nowhere", "0", "0", "0"]],
  ["umount2", 166, 52, ["/nowhere", "0"]],
  ["pivot_root", 155, 217, ["/nowhere", "/nowhere"]],
  ["init_module", 175, 128, ["0", "0", "0"]],
  ["finit_module", 313, 350, ["-1", "0", "0"]],
  ["kexec_load", 246, 283, ["0", "99", "0", "0"]],
  ["reboot", 169, 88, ["0", "0", "0", "0"]],
  ["swapon", 167, 87, ["/nowhere", "0"]],
  ["acct", 163, 51, ["/nowhere"]],
  ["quotactl", 179, 131, ["0", "0", "0", "0"]],
  ["settimeofday", 164, 79, ["0", "0"]],
  ["iopl", 172, 110, ["9"]],
  ["personality", 135, 136, ["0x0400000"]],
];

describe.if(process.arch === "x64")("the default seccomp profile", () => {
  const all = CALLS.flatMap(([, native, i386, args]) => [
    `probe call native ${native} ${args.join(" ")}`,
    `probe call i386 ${i386} ${args.join(" ")}`,
    `probe call x32 ${native} ${args.join(" ")}`,
  ]);
  const names = CALLS.flatMap(([name]) => [`${name} native`, `${name} i386`, `${name} x32`]);
  const results = async (...flags: string[]) => {
    const { stdout } = await shell(all.join("\n"), ...flags);
    return Object.fromEntries(
      stdout
        .trim()
        .split("\n")
        .map((line, index) => [names[index], line.replace("call ", "")]),
    );
  };

  test("refuses what reaches out of a container, by whatever entry to the kernel", async () => {
    const refused = await results();
    const expected = names.map((name) => [name, /x32/.test(name) ? refused[name] : "EPERM"]);
    expect(refused).toEqual(Object.fromEntries(expected));
    for (const name of names.filter((name) => /x32/.test(name)))
      expect(["EPERM", "ENOSYS"]).toContain(refused[name] ?? "");
  });

  test("and it is what refuses them: without it, the same calls arrive", async () => {
    const open = await results("--security-opt=seccomp=unconfined", "--cap-add=ALL");
    expect(CALLS.filter(([name]) => open[`${name} native`] === "EPERM")).toEqual([]);
  });

  test("no new namespaces by clone, clone3 or unshare; ordinary forks are fine", async () => {
    const flags = [0x10000000, 0x20000, 0x40000000, 0x20000000, 0x08000000, 0x04000000, 0x02000000];
    const clones = flags.flatMap((flag) => [`probe call native 56 ${flag}`, `probe call native 272 ${flag}`]);
    const { stdout } = await shell(
      [...clones, "probe call native 435 - 88", "probe call i386 120 0x10000000"].join("\n"),
    );
    expect(stdout.trim().split("\n")).toEqual([...clones.map(() => "call EPERM"), "call ENOSYS", "call EPERM"]);
    expect((await shell("probe call native 56 17; echo $(true)")).stdout).toBe("call ok\n\n");
  });

  test("holds for execs, and for what privileged execs leave behind", async () => {
    await daemon.ok("docker", ["run", "-d", "--name=filtered", "armed", "sleep", "600"]);
    for (const further of [[], ["-u", "1000"]]) {
      const call = ["probe", "call", "native", "272", "0"];
      expect(await daemon.ok("docker", ["exec", ...further, "filtered", ...call])).toBe("call EPERM");
    }
    expect(await daemon.ok("docker", ["exec", "filtered", "grep", "Seccomp:", "/proc/1/status"])).toBe("Seccomp:\t2");
    await daemon.ok("docker", ["rm", "-f", "filtered"]);
  });
});

describe("devices", () => {
  test.each([
    ["b 8 0", "sda"],
    ["b 259 0", "nvme"],
    ["b 253 0", "vda or dm"],
    ["b 7 0", "loop"],
    ["c 1 1", "mem"],
    ["c 1 2", "kmem"],
    ["c 1 4", "port"],
    ["c 1 11", "kmsg"],
    ["c 4 1", "tty1"],
    ["c 10 229", "fuse"],
    ["c 10 232", "kvm"],
    ["c 10 237", "loop-control"],
  ])("mknod %s (%s) cannot be opened", async (device) => {
    for (const how of ["< /tmp/d", "> /tmp/d"]) {
      const result = await shell(`mknod /tmp/d ${device} && : ${how}`);
      expect(result.stderr).toMatch(/Operation not permitted/);
    }
  });

  test("nor can device nodes of the image", async () => {
    const result = await shell("head -c 1 /dev-sda; head -c 1 /dev-mem; ls /dev | grep -v core");
    expect(result.stderr.match(/Operation not permitted|Permission denied/g)).toHaveLength(2);
    expect(result.stdout.split(/\s+/).filter(Boolean)).toEqual([
      "fd",
      "full",
      "mqueue",
      "null",
      "ptmx",
      "pts",
      "random",
      "shm",
      "stderr",
      "stdin",
      "stdout",
      "tty",
      "urandom",
      "zero",
    ]);
  });

  test("the kernel's log is not readable, nor may anything be typed into another's terminal", async () => {
    expect((await shell("dmesg")).stderr).toContain("not permitted");
    // TIOCSTI on a terminal that is not one's own.
    expect((await shell("probe call native 16 0 0x5412 -")).stdout).toMatch(/ENOTTY|EPERM|EIO/);
  });
});

describe("cgroups", () => {
  test("cannot be mounted, made or left (CVE-2022-0492)", async () => {
    const attempts = [
      "unshare -Urm sh -c 'mount -t cgroup -o rdma cgroup /mnt'",
      "unshare -Ur true",
      "unshare -rm true",
      "mount -t cgroup -o memory cgroup /mnt",
      "mount -t cgroup2 none /mnt",
      "mkdir /sys/fs/cgroup/memory/mine 2>/dev/null || mkdir /sys/fs/cgroup/mine",
    ];
    for (const attempt of attempts) {
      const result = await shell(`mkdir -p /mnt; ${attempt}`);
      expect([attempt, result.code === 0]).toEqual([attempt, false]);
      expect(result.stderr).toMatch(/not permitted|[Pp]ermission denied|Read-only file system/);
    }
    const write = "find /sys/fs/cgroup -type f | while read f; do (: >> $f) 2>/dev/null && echo $f; done";
    expect((await shell(`find /sys/fs/cgroup -name release_agent; ${write}`)).stdout).toBe("");
  });

  test("those of others are not to be seen, nor a way up to them", async () => {
    const { stdout } = await shell(
      "find /sys/fs/cgroup -name '*.slice' -o -name 'tugt*' -o -name docker; ls /sys/fs/cgroup/*/.. | sort -u",
    );
    expect(stdout).not.toMatch(/slice|tugt|docker/);
  });
});

test("keys of the host's session are not there", async () => {
  // KEYCTL_GET_KEYRING_ID of the session keyring, then KEYCTL_DESCRIBE of the user's session keyring by name.
  const flags = ["--security-opt=seccomp=unconfined"];
  const { stdout } = await run(...flags, "armed", "sh", "-c", "probe rest | grep keyring; cat /proc/keys");
  const other = await run(...flags, "armed", "sh", "-c", "probe rest | grep keyring");
  expect(stdout).toMatch(/^keyring \d+\n$/);
  expect(other.stdout).not.toBe(stdout);
});

test("the host's kernel is not to be looked into", async () => {
  const look =
    "cat /proc/kcore /proc/keys /proc/timer_list; ls -A /sys/firmware; head -1 /proc/kallsyms | cut -d' ' -f1; ls -A /sys/kernel/debug; ls -A /sys/kernel/tracing";
  const { stdout } = await shell(look);
  expect(stdout.replaceAll(/^0+\n/gm, "")).toBe("");
});
