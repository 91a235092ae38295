/** What a process finds inside: its mounts, ids, limits and credentials, and none of what is the host's. Needs root. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { bind, Lab, type LabProcess, MS, mount, NAMESPACES, shell } from "./_lab.ts";
import type { ChildOp } from "./ops.ts";

let lab: Lab;
beforeAll(() => {
  Lab.build();
  lab = new Lab();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** The probe's report: the values of each key. */
async function probe(process: Omit<LabProcess, "argv"> = {}): Promise<Map<string, string[]>> {
  const ended = await lab.run({ ...process, argv: ["/bin/probe"] });
  expect(ended).toMatchObject({ exitCode: 0, stderr: "" });
  const report = new Map<string, string[]>();
  for (const line of ended.stdout.trimEnd().split("\n")) {
    const [key, value] = [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)];
    report.set(key, [...(report.get(key) ?? []), value]);
  }
  return report;
}

/** A line `mount TARGET TYPE OPTIONS PROPAGATION` of the report. */
const mountAt = (report: Map<string, string[]>, target: string) =>
  report
    .get("mount")!
    .findLast((line) => line.startsWith(`${target} `))
    ?.split(" ");

const CAPABILITIES: ChildOp = {
  op: "capabilities",
  bounding: 0x25fbn,
  effective: 0x25fbn,
  permitted: 0x25fbn,
  inheritable: 0n,
  ambient: 0n,
};

describe("a process has", () => {
  test("no descriptor but its stdio", async () => {
    expect((await probe()).get("fd")).toEqual(["0 /dev/null", "1 pipe:", "2 pipe:"]);
  });

  test("no descriptor but its stdio under init, as has init", async () => {
    const ended = await lab.run({ argv: shell("ls /proc/1/fd; probe fds"), init: true });
    expect(ended.stdout).toBe("0\n1\n2\nfd 0 /dev/null\nfd 1 pipe:\nfd 2 pipe:\n");
  });

  test("default signals, a session and a keyring of its own", async () => {
    const report = await probe();
    for (const key of ["SigBlk", "SigIgn", "SigCgt"]) expect(report.get(key)).toEqual(["0000000000000000,"]);
    expect(report.get("pid")).toEqual(["1"]);
    expect(report.get("sid")).toEqual(["1"]);
    expect(report.get("dumpable")).toEqual(["1"]);
    expect(report.get("pdeathsig")).toEqual(["0"]);
    const host = Bun.spawnSync([`${lab.lower}/bin/probe`, "rest"]).stdout.toString();
    expect(host).not.toContain(`keyring ${report.get("keyring")![0]}\n`);
  });

  test("the names, limits and directory of its plan", async () => {
    const report = await probe({
      become: [
        { op: "hostname", name: "box" },
        { op: "domainname", name: "example" },
        { op: "rlimit", resource: 7, soft: 100, hard: 200 },
        { op: "cwd", path: "/srv/data", create: true },
      ],
    });
    expect(report.get("hostname")).toEqual(["box"]);
    expect(report.get("domainname")).toEqual(["example"]);
    expect(report.get("nofile")).toEqual(["100 200"]);
    expect(report.get("cwd")).toEqual(["/srv/data"]);
  });

  test("the user, groups, capabilities and umask of its plan, and owns its output", async () => {
    const report = await probe({
      become: [
        { op: "no-new-privs" },
        { op: "user", uid: 1000, gid: 1001, groups: [10, 20], umask: 0o027 },
        { ...CAPABILITIES, inheritable: 0x400n, ambient: 0x400n } as ChildOp,
      ],
    });
    expect(report.get("Uid")).toEqual(["1000,1000,1000,1000,"]);
    expect(report.get("Gid")).toEqual(["1001,1001,1001,1001,"]);
    expect(report.get("Groups")).toEqual(["10,20,"]);
    expect(report.get("Umask")).toEqual(["0027,"]);
    expect(report.get("NoNewPrivs")).toEqual(["1,"]);
    expect(report.get("CapEff")).toEqual(["0000000000000400,"]);
    expect(report.get("CapAmb")).toEqual(["0000000000000400,"]);
    expect(report.get("CapBnd")).toEqual(["00000000000025fb,"]);
    expect(report.get("stdio")).toEqual(["1000"]);
  });

  test("as root just the capabilities of its plan", async () => {
    const report = await probe({ become: [{ op: "user", uid: 0, gid: 0, groups: [], umask: 0o022 }, CAPABILITIES] });
    expect(report.get("CapEff")).toEqual(["00000000000025fb,"]);
    expect(report.get("CapPrm")).toEqual(["00000000000025fb,"]);
  });

  test("its seccomp filter", async () => {
    // ld [nr]; jeq mkdir → EPERM; allow
    const instruction = (code: number, k: number, jt = 0, jf = 0) => {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt16LE(code);
      bytes[2] = jt;
      bytes[3] = jf;
      bytes.writeUInt32LE(k, 4);
      return bytes;
    };
    const mkdir = process.arch === "x64" ? 83 : 34;
    const filter = Buffer.concat([
      instruction(0x20, 0),
      instruction(0x15, mkdir, 0, 1),
      instruction(0x06, 0x00050001),
      instruction(0x06, 0x7fff0000),
    ]);
    const ended = await lab.run({
      argv: shell("/bin/busybox mkdir /tmp/x; probe status"),
      become: [{ op: "no-new-privs" }, { op: "seccomp", filter, flags: 0 }],
    });
    expect(ended.stderr).toContain("Operation not permitted");
    expect(ended.stdout).toContain("Seccomp 2,\n");
  });

  test("its oom_score_adj and its sysctls", async () => {
    const ended = await lab.run({
      argv: shell("cat /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni"),
      become: [
        { op: "oom-score-adj", value: 321 },
        { op: "sysctl", key: "net/ipv4/ip_forward", value: "1" },
        { op: "sysctl", key: "kernel/shmmni", value: "77" },
      ],
    });
    expect(ended.stdout).toBe("321\n1\n77\n");
    expect(readFileSync("/proc/sys/kernel/shmmni", "utf8")).not.toBe("77\n");
  });

  test("no way to a sysctl that is not below /proc/sys", async () => {
    const { monitor } = await lab.start({
      argv: ["true"],
      become: [{ op: "sysctl", key: "../sysrq-trigger", value: "h" }],
    });
    await expect(monitor.started).rejects.toThrow('sysctl "../sysrq-trigger": invalid key');
  });

  test("devices and links that work", async () => {
    const ended = await lab.run({
      argv: shell("head -c 3 /dev/zero | wc -c; echo x > /dev/null; ls -l /dev/link; ls -ld /made | cut -c1-10"),
      furnish: [
        { op: "symlink", target: "/dev/link", linkTo: "/proc/self/fd" },
        { op: "symlink", target: "/dev/link", linkTo: "/elsewhere" },
        { op: "mkdir-in-root", target: "/made", mode: 0o700, uid: 5, gid: 6 },
      ],
    });
    expect(ended.stdout).toContain("/dev/link -> /proc/self/fd");
  });
});

describe("mounts", () => {
  test("carry their flags, options and propagation", async () => {
    const source = lab.path("source");
    mkdirSync(source);
    const report = await probe({
      furnish: [
        mount("/tmp", "tmpfs", {
          flags: MS.NOSUID | MS.NODEV | MS.NOEXEC | MS.RDONLY,
          options: ["size=64k", "mode=700"],
        }),
        bind(source, "/mnt/private", { set: 1 | 2 }),
        bind(source, "/mnt/slave", { propagation: MS.SLAVE | MS.REC }),
      ],
    });
    expect(mountAt(report, "/tmp")).toMatchObject(["/tmp", "tmpfs", "ro,nosuid,nodev,noexec,relatime", "-"]);
    expect(mountAt(report, "/mnt/private")![2]).toStartWith("ro,nosuid");
    expect(mountAt(report, "/mnt/private")![3]).toBe("-");
    expect(mountAt(report, "/proc")![1]).toBe("proc");
  });

  test("a recursive read-only bind is read-only to its last submount", async () => {
    // /dev of the host has submounts: /dev/pts at least.
    const mountsOf = (recursiveAttributes: boolean) =>
      lab.run({
        argv: shell("mount | grep ' on /mnt'"),
        furnish: [bind("/dev", "/mnt", { set: 1, recursiveAttributes })],
      });
    const recursive = (await mountsOf(true)).stdout.trim().split("\n");
    expect(recursive.length).toBeGreaterThan(1);
    for (const line of recursive) expect(line).toMatch(/\(ro,/);
    expect((await mountsOf(false)).stdout).toMatch(/on \/mnt\/.* \(rw/);
  });

  test("copy-up fills a tmpfs with what the directory held", async () => {
    mkdirSync(`${lab.lower}/data/deep`, { recursive: true });
    writeFileSync(`${lab.lower}/data/deep/file`, "content", { mode: 0o640 });
    symlinkSync("deep/file", `${lab.lower}/data/link`);
    Bun.spawnSync(["chown", "12:34", `${lab.lower}/data/deep/file`]);
    const ended = await lab.run({
      argv: shell("cat /data/link; ls -ln /data/deep/file | cut -c1-30; touch /data/x 2>&1"),
      furnish: [mount("/data", "tmpfs", { copyUp: true, flags: MS.RDONLY })],
    });
    expect(ended.stdout).toMatch(/^content-rw-r----- +1 12 +34/);
    expect(ended.stdout).toContain("Read-only file system");
  });

  test("a file is bound onto a file that is made", async () => {
    const source = lab.path("one-file");
    writeFileSync(source, "bound\n");
    const ended = await lab.run({
      argv: ["cat", "/etc/deep/down/file"],
      furnish: [bind(source, "/etc/deep/down/file", { create: "file" })],
    });
    expect(ended.stdout).toBe("bound\n");
  });

  test("a dangling link at the target is completed within the root", async () => {
    const source = lab.path("resolv");
    writeFileSync(source, "nameserver\n");
    symlinkSync("../run/resolve/stub.conf", `${lab.lower}/etc/resolv.conf`);
    const ended = await lab.run({
      argv: ["cat", "/run/resolve/stub.conf"],
      furnish: [bind(source, "/etc/resolv.conf", { create: "file" })],
    });
    expect(ended.stdout).toBe("nameserver\n");
  });

  test("masked and read-only paths are what they say, and absent ones do no harm", async () => {
    const ended = await lab.run({
      argv: shell(
        "ls /proc/acpi /proc/fs | cat; cat /proc/timer_list | wc -c; echo x > /proc/sys/kernel/domainname; touch /proc/acpi/x",
      ),
      become: [
        ...["/proc/acpi", "/proc/fs", "/proc/timer_list", "/proc/absent", "/bin/sh/none"].map(
          (target): ChildOp => ({ op: "mask", target }),
        ),
        { op: "readonly", target: "/proc/sys" },
        { op: "readonly", target: "/proc/absent" },
      ],
    });
    expect(ended.stdout).not.toMatch(/ext4|\d{2,}/);
    expect(ended.stderr.match(/Read-only file system/g)!.length).toBeGreaterThanOrEqual(1);
  });

  test("a read-only root cannot be written, a mount in it can", async () => {
    const spec = lab.spec({ argv: shell("touch /x; touch /tmp/x && echo fine"), furnish: [mount("/tmp", "tmpfs")] });
    const inside = spec.plan.inside.map((op): ChildOp => (op.op === "pivot" ? { ...op, readonly: true } : op));
    const ended = await lab.run({ argv: shell("touch /x; touch /tmp/x && echo fine"), plan: { inside } });
    expect(ended).toMatchObject({ stdout: "fine\n", stderr: "touch: /x: Read-only file system\n" });
  });

  test("a hundred lower layers make one root", async () => {
    const layers = Array.from({ length: 100 }, (_, index) => {
      const layer = lab.path(`layer-with-a-rather-long-name-${index}`);
      mkdirSync(layer);
      writeFileSync(`${layer}/layer-${index}`, "");
      return layer;
    });
    const spec = lab.spec({ argv: shell("ls / | grep -c layer-") });
    const [mountOverlay, root] = lab.overlay([...layers, lab.lower]);
    const inside = spec.plan.inside.map((op) =>
      op.op === "mount-overlay" ? mountOverlay! : op.op === "root" ? root! : op,
    );
    const ended = await lab.run({ argv: [], plan: { inside } });
    expect(ended.stdout).toBe("100\n");
  });

  test("a shared tmpfs of a monitor is seen by the binds of another, and goes when it is told to", async () => {
    const path = lab.path("shm");
    const make = { before: [{ op: "mount-tmpfs", path, flags: MS.NODEV, options: ["size=1m"] } as const] };
    const first = await lab.run({ argv: shell("echo shared > /shm/file"), plan: make, furnish: [bind(path, "/shm")] });
    expect(first.exitCode).toBe(0);
    const after = [{ op: "umount", path, detach: true } as const, { op: "remove", path, retryMs: 0 } as const];
    const second = await lab.run({ argv: ["cat", "/shm/file"], plan: { after }, furnish: [bind(path, "/shm")] });
    expect(second.stdout).toBe("shared\n");
    expect(() => statSync(path)).toThrow();
  });
});

describe("a user namespace", () => {
  const map = [{ containerId: 0, hostId: 300000, size: 65536 }];
  const clone = { create: [...NAMESPACES, "user" as const], uidMap: map, gidMap: map };

  /** A plain directory as the root: what an overlay shows to a user namespace is another matter. */
  function remapped(process: LabProcess): LabProcess {
    const root = lab.path(`userns-root-${crypto.randomUUID()}`);
    Bun.spawnSync(["cp", "-a", lab.lower, root]);
    Bun.spawnSync(["chown", "-hR", "300000:300000", root]);
    Bun.spawnSync(["chmod", "755", lab.folder]);
    const spec = lab.spec({ ...process, clone });
    const inside = spec.plan.inside.map((op): ChildOp => {
      if (op.op === "mount-overlay") return { op: "mount-bind", path: root, source: root, flags: MS.REC };
      if (op.op === "root") return { op: "root", path: root };
      return op.op === "mount" && op.type === "sysfs" ? mount("/sys", "tmpfs") : op;
    });
    return { ...process, clone, plan: { inside } };
  }

  test("its root is nobody on the host, and binds the host's devices", async () => {
    const ended = await lab.run(
      remapped({
        argv: shell(
          "id -u; cat /proc/self/uid_map; head -c 3 /dev/zero | wc -c; probe rest | grep null; ls -ln /dev/null | cut -c1-10",
        ),
      }),
    );
    expect(ended.stderr).toBe("");
    expect(ended.stdout.replaceAll(/ +/g, " ")).toBe("0\n 0 300000 65536\n3\nnull 1\ncrw-rw-rw-\n");
  });

  test("an idmapped bind shows the host's owners as the container's", async () => {
    const source = lab.path("owned");
    mkdirSync(source);
    writeFileSync(`${source}/by-root`, "x", { mode: 0o600 });
    const ended = await lab.run(
      remapped({
        argv: shell("ls -ln /data/by-root | cut -c1-40; cat /data/by-root; echo new > /data/made"),
        furnish: [bind(source, "/data", { uidMap: map, gidMap: map })],
      }),
    );
    expect(ended.stdout).toMatch(/^-rw------- +1 0 +0 .*\nx$/);
    expect(statSync(`${source}/made`).uid).toBe(0);
  });

  test("its sysctls, limits and oom score are set", async () => {
    const ended = await lab.run(
      remapped({
        argv: shell("cat /proc/sys/net/ipv4/ip_forward /proc/self/oom_score_adj"),
        become: [
          { op: "sysctl", key: "net/ipv4/ip_forward", value: "1" },
          { op: "oom-score-adj", value: 100 },
        ],
      }),
    );
    expect(ended).toMatchObject({ stdout: "1\n100\n", stderr: "" });
  });

  test("a process joins it", async () => {
    const { monitor } = await lab.start(remapped({ argv: ["sleep", "1000"] }) as LabProcess);
    const { pid } = await monitor.started;
    const ended = await lab.run(joining(pid, ["id", "-u"], ["user", "mount", "pid", "network", "ipc", "uts"]));
    expect(ended).toMatchObject({ stdout: "0\n", exitCode: 0 });
  });
});

const FILES = {
  mount: "mnt",
  pid: "pid",
  network: "net",
  ipc: "ipc",
  uts: "uts",
  user: "user",
  cgroup: "cgroup",
} as const;

/** A further process in a running container: `exec`. */
function joining(
  pid: number,
  argv: string[],
  kinds: readonly (keyof typeof FILES)[] = NAMESPACES,
  become: ChildOp[] = [],
): LabProcess {
  const join = kinds.map((kind) => ({ kind, path: `/proc/${pid}/ns/${FILES[kind]}` }));
  const inside: ChildOp[] = [...become, { op: "exec", argv, env: ["PATH=/bin"], init: false }];
  return { argv, clone: { create: [], join }, plan: { inside } };
}

describe("a process that joins a container", () => {
  test("is in all its namespaces, and leaves the monitor in none", async () => {
    const { monitor } = await lab.start({ argv: ["sleep", "1000"], become: [{ op: "hostname", name: "joined" }] });
    const { pid } = await monitor.started;
    const ended = await lab.run(
      joining(pid, [
        "sh",
        "-c",
        "hostname 2>/dev/null || cat /proc/sys/kernel/hostname; probe fds; kill -0 1 && echo sees 1",
      ]),
    );
    expect(ended).toMatchObject({ stdout: "joined\nfd 0 /dev/null\nfd 1 pipe:\nfd 2 pipe:\nsees 1\n", exitCode: 0 });
  });

  test("has a terminal of the container", async () => {
    const { monitor } = await lab.start({ argv: ["sleep", "1000"] });
    const { pid } = await monitor.started;
    const process = joining(pid, ["sh", "-c", "stty size; ls -l /proc/self/fd/0 | sed 's/.*-> //'"]);
    const ended = await lab.run({ ...process, stdio: { tty: true, width: 90, height: 20 } });
    expect(ended.stdout.replaceAll("\r", "")).toBe("20 90\n/dev/pts/0\n");
  });

  test("finds a program that is missing as any other", async () => {
    const { monitor } = await lab.start({ argv: ["sleep", "1000"] });
    const { pid } = await monitor.started;
    expect(await lab.run(joining(pid, ["nonesuch"]))).toMatchObject({
      exitCode: 127,
      error: 'exec: "nonesuch": executable file not found in $PATH',
    });
  });

  test("fails when the container is gone", async () => {
    const { monitor } = await lab.start({ argv: ["true"] });
    const { pid } = await monitor.started;
    await monitor.exited;
    expect((await lab.run(joining(pid, ["true"]))).error).toStartWith(`open namespace "/proc/${pid}/ns/`);
  });
});

describe("cgroups", () => {
  const memory = "/sys/fs/cgroup/memory";
  const isV1 = (() => {
    try {
      return statSync(memory).isDirectory();
    } catch {
      return false;
    }
  })();
  const base = isV1 ? memory : "/sys/fs/cgroup";
  const into = (path: string) => (isV1 ? { cgroupTasks: [`${path}/tasks`] } : { cgroup: path });
  const limit = isV1 ? "memory.limit_in_bytes" : "memory.max";
  const events = isV1 ? "memory.oom_control" : "memory.events";

  test("a process is in its cgroup before its first instruction, and an OOM kill is told", async () => {
    const path = `${base}/tug-test-${crypto.randomUUID()}`;
    const ended = await lab.run({
      argv: shell("grep -o 'tug-test' /proc/self/cgroup | head -n 1; head -c 200m /dev/zero | tail"),
      plan: {
        before: [
          { op: "mkdir", path, mode: 0o755, parents: false },
          { op: "write", path: `${path}/${limit}`, data: String(16 << 20), mode: 0 },
        ],
        after: [{ op: "remove", path, retryMs: 2000 }],
      },
      clone: into(path),
      spec: { oomPath: `${path}/${events}` },
    });
    expect(ended.oomKilled).toBe(true);
    expect(ended.stdout).toBe("tug-test\n");
    expect(() => statSync(path)).toThrow();
  });

  test("kill-cgroup ends all in it and below, remove takes what they made", async () => {
    const path = `${base}/tug-test-${crypto.randomUUID()}`;
    const { monitor } = await lab.start({
      argv: shell("sleep 1000 & sleep 1000"),
      plan: {
        before: [{ op: "mkdir", path: `${path}/below/deeper`, mode: 0o755, parents: true }],
      },
      clone: into(`${path}/below`),
    });
    await monitor.started;
    await lab.executor.run([{ op: "kill-cgroup", path }]);
    expect((await monitor.exited).signal).toBe(9);
    await lab.executor.run([
      { op: "kill-cgroup", path },
      { op: "remove", path, retryMs: 2000 },
      { op: "kill-cgroup", path },
    ]);
    expect(() => statSync(path)).toThrow();
  });

  test("remove takes what a container nested in the v2 tree", async () => {
    const path = `${isV1 ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup"}/tug-test-${crypto.randomUUID()}`;
    mkdirSync(`${path}/leaf/deeper`, { recursive: true });
    await lab.executor.run([{ op: "remove", path, retryMs: 0 }]);
    expect(() => statSync(path)).toThrow();
  });

  test("a cgroup namespace has the container's cgroup as its root", async () => {
    const path = `${base}/tug-test-${crypto.randomUUID()}`;
    const ended = await lab.run({
      argv: shell(isV1 ? "grep memory: /proc/self/cgroup | cut -d: -f3" : "cut -d: -f3 /proc/self/cgroup"),
      clone: { create: [...NAMESPACES, "cgroup"], ...into(path) },
      plan: {
        before: [{ op: "mkdir", path, mode: 0o755, parents: false }],
        after: [{ op: "remove", path, retryMs: 2000 }],
      },
    });
    expect(ended.stdout).toBe("/\n");
  });

  test("a child is born into a v2 cgroup, whose device filter holds", async () => {
    const unified = isV1 ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
    const path = `${unified}/tug-test-${crypto.randomUUID()}`;
    // r0 = 0; exit: no device at all.
    const program = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
    const { monitor } = await lab.start({
      argv: ["sleep", "1000"],
      clone: { cgroup: path },
      plan: {
        before: [{ op: "mkdir", path, mode: 0o755, parents: false }],
        after: [{ op: "remove", path, retryMs: 2000 }],
      },
    });
    const { pid } = await monitor.started;
    expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(path.slice(unified.length));
    await lab.executor.run([{ op: "cgroup-devices", path, program }]);
    const denied = await lab.run({
      ...joining(pid, ["cat", "/dev/zero"]),
      clone: { create: [], join: [{ kind: "mount", path: `/proc/${pid}/ns/mnt` }], cgroup: path },
    });
    expect(denied.stderr).toContain("Operation not permitted");
    await monitor.signal(9);
    await monitor.exited;
    expect(() => statSync(path)).toThrow();
  });
});

describe("host plans look into roots", () => {
  test("read-in-root follows the root's rules and reads nothing but files", async () => {
    const root = lab.path("foreign-root");
    mkdirSync(`${root}/etc`, { recursive: true });
    writeFileSync(`${root}/etc/passwd`, "theirs");
    symlinkSync("/etc/passwd", `${root}/absolute`);
    symlinkSync("../../../../etc/passwd", `${root}/etc/climbing`);
    symlinkSync("loop", `${root}/loop`);
    Bun.spawnSync(["mkfifo", `${root}/fifo`]);
    Bun.spawnSync(["mknod", `${root}/zero`, "c", "1", "5"]);
    const read = async (target: string) => {
      const [bytes] = await lab.executor.run([{ op: "read-in-root", root, target, limitBytes: 1000 }]);
      return Buffer.from(bytes!).toString();
    };
    expect(await read("/absolute")).toBe("theirs");
    expect(await read("/etc/climbing")).toBe("theirs");
    for (const target of ["/loop", "/fifo", "/zero", "/etc", "/absent", "/absolute/below"])
      expect(await read(target)).toBe("");
  });

  test("unshare-mounts leaves no trace", async () => {
    const path = lab.path("glimpse");
    mkdirSync(path);
    const [, , seen] = await lab.executor.run([
      { op: "unshare-mounts" },
      { op: "mount-bind", path, source: "/proc", flags: 4096 },
      { op: "read-in-root", root: path, target: "version", limitBytes: 1000 },
    ]);
    expect(seen!.length).toBeGreaterThan(0);
    const [later] = await lab.executor.run([{ op: "read-in-root", root: path, target: "version", limitBytes: 1000 }]);
    expect(later).toHaveLength(0);
  });

  test("enter looks from within a container", async () => {
    const { monitor } = await lab.start({ argv: ["sleep", "1000"], become: [{ op: "hostname", name: "entered" }] });
    const { pid } = await monitor.started;
    const [, name] = await lab.executor.run([
      { op: "enter", pid, namespaces: ["uts", "mount"] },
      { op: "read", path: "/proc/sys/kernel/hostname", limitBytes: 100 },
    ]);
    expect(Buffer.from(name!).toString()).toBe("entered\n");
  });

  test("remove-tree removes what a container nested, and crosses no mount and no link", async () => {
    const tree = lab.path("nested");
    const kept = lab.path("kept");
    mkdirSync(kept);
    writeFileSync(`${kept}/file`, "");
    mkdirSync(tree);
    symlinkSync(kept, `${tree}/link`);
    Bun.spawnSync(["sh", "-c", `cd ${tree}; for i in $(seq 300); do mkdir d; touch f; cd d; done`]);
    await lab.executor.run([{ op: "remove-tree", path: tree }]);
    expect(() => statSync(tree)).toThrow();
    expect(statSync(`${kept}/file`).size).toBe(0);
    await lab.executor.run([{ op: "remove-tree", path: tree }]);
    const mounted = lab.path("mounted");
    mkdirSync(`${mounted}/point`, { recursive: true });
    const plan = [
      { op: "unshare-mounts" },
      { op: "mount-bind", path: `${mounted}/point`, source: kept, flags: 4096 },
      { op: "remove-tree", path: mounted },
    ] as const;
    await expect(lab.executor.run(plan)).rejects.toThrow("remove tree");
    expect(statSync(`${kept}/file`).size).toBe(0);
    rmSync(mounted, { recursive: true });
  });
});
