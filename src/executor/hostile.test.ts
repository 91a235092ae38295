/** Images and containers that try to get out: links in targets, false devices, races, our own program. Needs root. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { bind, Client, EVERYTHING, exec, Lab, type LabProcess, MS, mount, STANDARD_MOUNTS, shell } from "./_lab.ts";
import type { ChildOp } from "./ops.ts";

let lab: Lab;
beforeAll(() => {
  Lab.build();
  lab = new Lab();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** A root filesystem of its own that `spoil` made hostile; a victim directory of the host lies beside it. */
function hostileRoot(spoil: (root: string, victim: string) => void): { root: string; victim: string } {
  const base = lab.path(`hostile-${crypto.randomUUID()}`);
  const [root, victim] = [`${base}/root`, `${base}/victim`];
  cpSync(lab.lower, root, { recursive: true, verbatimSymlinks: true });
  mkdirSync(victim);
  writeFileSync(`${victim}/secret`, "untouched");
  spoil(root, victim);
  return { root, victim };
}

/** Starts in the directory itself, without a layer between. */
function inRoot(root: string, inside: readonly ChildOp[], argv: readonly string[] = ["true"]): LabProcess {
  const plan = {
    inside: [
      { op: "propagation", path: "/", flags: MS.REC | MS.SLAVE },
      { op: "mount-bind", path: root, source: root, flags: MS.REC },
      { op: "root", path: root },
      ...inside,
      exec({ argv }),
    ] satisfies ChildOp[],
  };
  return { argv, plan };
}

const PIVOT: ChildOp = { op: "pivot", propagation: 0, readonly: false };

function relink(root: string, name: string, target: string): void {
  rmSync(`${root}/${name}`, { recursive: true, force: true });
  symlinkSync(target, `${root}/${name}`);
}

describe("a hostile image", () => {
  test.each(["proc", "sys"])("cannot have /%s mounted where its link points", async (name) => {
    const { root, victim } = hostileRoot((folder, target) => relink(folder, name, target));
    const type = name === "proc" ? "proc" : "sysfs";
    const ended = await lab.run(inRoot(root, [mount(`/${name}`, type), PIVOT]));
    expect(ended.exitCode).toBe(128);
    expect(ended.error).toMatch(/^mount "(proc|sysfs)": make "\/(proc|sys)": /);
    expect(readFileSync(`${victim}/secret`, "utf8")).toBe("untouched");
  });

  test("with a link for /dev keeps the devices within its root", async () => {
    const { root, victim } = hostileRoot((folder, target) => relink(folder, "dev", target));
    await lab.run(inRoot(root, [...STANDARD_MOUNTS, PIVOT]));
    expect(Bun.spawnSync(["ls", victim]).stdout.toString()).toBe("secret\n");
  });

  test.each([
    ["absolute", (victim: string) => victim],
    ["climbing", (victim: string) => `../../../../../../../../../../../..${victim}`],
    ["through /proc", (victim: string) => `/proc/1/root${victim}`],
  ])("cannot lead a bind out of its root by a link that is %s", async (_, link) => {
    const { root, victim } = hostileRoot((folder, target) => symlinkSync(link(target), `${folder}/data`));
    const source = lab.path("bound");
    mkdirSync(source, { recursive: true });
    writeFileSync(`${source}/secret`, "covered");
    const ended = await lab.run(
      inRoot(root, [...STANDARD_MOUNTS, bind(source, "/data"), PIVOT], ["cat", `${victim}/secret`]),
    );
    // Where it was mounted at all, it is at the same path within the root.
    if (ended.exitCode === 0) expect(ended.stdout).toBe("covered");
    else expect(ended.error).toContain('bind "');
    expect(readFileSync(`${victim}/secret`, "utf8")).toBe("untouched");
  });

  test("cannot redirect a bind into procfs by a link", async () => {
    const { root } = hostileRoot((folder) => symlinkSync("/proc/sys/kernel/core_pattern", `${folder}/innocent`));
    const source = lab.path("pattern");
    writeFileSync(source, "|/evil");
    const furnished = [...STANDARD_MOUNTS, bind(source, "/innocent", { create: "file" }), PIVOT];
    const ended = await lab.run(inRoot(root, furnished));
    expect(ended.error).toContain("a link leads into procfs or sysfs");
  });

  test("cannot redirect a mask: nothing is mounted over procfs by a link of its own", async () => {
    const { root } = hostileRoot((folder) => symlinkSync("/proc/self/attr", `${folder}/masked`));
    const ended = await lab.run(inRoot(root, [...STANDARD_MOUNTS, PIVOT, { op: "mask", target: "/masked" }]));
    expect(ended.error).toContain("a link leads into procfs or sysfs");
  });

  test("whose /dev/null is a file cannot have its secrets unmasked", async () => {
    const { root } = hostileRoot((folder) => {
      mkdirSync(`${folder}/dev`, { recursive: true });
      writeFileSync(`${folder}/dev/null`, "the attacker's own");
    });
    const inside = [mount("/proc", "proc"), PIVOT, { op: "mask", target: "/proc/timer_list" } as const];
    const ended = await lab.run(inRoot(root, inside));
    expect(ended.error).toBe('mask: "/dev/null" is not the null device');
  });

  test("whose /dev/null is a link cannot choose what covers its secrets", async () => {
    const { root } = hostileRoot((folder) => {
      mkdirSync(`${folder}/dev`, { recursive: true });
      symlinkSync("/proc/sysrq-trigger", `${folder}/dev/null`);
    });
    const inside = [mount("/proc", "proc"), PIVOT, { op: "mask", target: "/proc/timer_list" } as const];
    expect((await lab.run(inRoot(root, inside))).error).toBe('mask: "/dev/null" is not the null device');
  });

  test("cannot give us a terminal that is none", async () => {
    const { root } = hostileRoot((folder) => {
      mkdirSync(`${folder}/dev/pts`, { recursive: true });
      writeFileSync(`${folder}/dev/pts/ptmx`, "");
    });
    const inside: ChildOp[] = [mount("/proc", "proc"), { op: "console" }, PIVOT];
    const ended = await lab.run({ ...inRoot(root, inside), stdio: { tty: true } });
    expect(ended.error).toBe('open "/dev/pts/ptmx": no terminal multiplexer');
  });

  test("cannot lead the console to another place", async () => {
    const { root, victim } = hostileRoot((folder, target) => {
      mkdirSync(`${folder}/dev`, { recursive: true });
      symlinkSync(`${target}/secret`, `${folder}/dev/console`);
    });
    const devpts = mount("/dev/pts", "devpts", { options: ["newinstance", "ptmxmode=0666"] });
    const ended = await lab.run({ ...inRoot(root, [devpts, { op: "console" }, PIVOT]), stdio: { tty: true } });
    expect(ended.error).toStartWith('make "/dev/console": ');
    expect(readFileSync(`${victim}/secret`, "utf8")).toBe("untouched");
  });

  test("that lays a false procfs over /proc cannot have our writes to it", async () => {
    const { root } = hostileRoot((folder) => {
      mkdirSync(`${folder}/proc/self`, { recursive: true });
      mkdirSync(`${folder}/proc/sys/net/ipv4`, { recursive: true });
      writeFileSync(`${folder}/proc/self/oom_score_adj`, "");
      writeFileSync(`${folder}/proc/sys/net/ipv4/ip_forward`, "");
    });
    const become: ChildOp[] = [
      { op: "oom-score-adj", value: 5 },
      { op: "sysctl", key: "net/ipv4/ip_forward", value: "1" },
    ];
    const ended = await lab.run(
      inRoot(root, [PIVOT, ...become], shell("cat /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_forward")),
    );
    expect(ended).toMatchObject({ exitCode: 0, stdout: "" });
  });

  test("with a working directory that leads out by a descriptor is refused", async () => {
    const { root } = hostileRoot((folder) => symlinkSync("/proc/self/fd", `${folder}/fds`));
    for (let fd = 3; fd < 24; fd++) {
      const inside: ChildOp[] = [...STANDARD_MOUNTS, PIVOT, { op: "cwd", path: `/fds/${fd}`, create: false }];
      const ended = await lab.run(
        inRoot(root, inside, shell("ls -d etc/../../../../etc/debian_version && echo escaped")),
      );
      expect(ended.stdout).toBe("");
      expect(ended.exitCode).not.toBe(0);
    }
  });

  test("cannot make the engine create what it needs outside, however its links loop", async () => {
    const { root } = hostileRoot((folder) => {
      symlinkSync("b", `${folder}/a`);
      symlinkSync("a", `${folder}/b`);
    });
    const ended = await lab.run(
      inRoot(root, [{ op: "mkdir-in-root", target: "/a/x", mode: 0o755, uid: 0, gid: 0 }, PIVOT]),
    );
    expect(ended.error).toStartWith('mkdir "/a/x" in root: ');
  });
});

describe("a hostile container", () => {
  test("finds behind its process's program a sealed copy, never the file of the host", async () => {
    const { monitor } = await lab.start({ argv: ["sleep", "1000"], init: true });
    const { pid } = await monitor.started;
    expect(readlinkSync(`/proc/${pid}/exe`)).toBe("/memfd:tug-exec (deleted)");
    expect(() => writeFileSync(`/proc/${pid}/exe`, "overwritten")).toThrow();
    const parent = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/.*\) /, "").split(" ")[1]!;
    expect(readlinkSync(`/proc/${parent}/exe`)).toBe("/memfd:tug-exec (deleted)");
    expect(() => writeFileSync(`/proc/${parent}/exe`, "overwritten")).toThrow();
  });

  test("whose program is a link to our own gets the sealed copy too", async () => {
    const { monitor } = await lab.start({ argv: shell("while :; do sleep 0.01; done") });
    const { pid } = await monitor.started;
    const kinds = { mount: "mnt", pid: "pid" } as const;
    const join = (["mount", "pid"] as const).map((kind) => ({ kind, path: `/proc/${pid}/ns/${kinds[kind]}` }));
    const ended = await lab.run({
      argv: [],
      clone: { create: [], join },
      plan: { inside: [exec({ argv: ["/proc/self/exe"] })] },
    });
    // It runs as any program in the container, from memory: nothing of the host is behind it.
    expect(ended).toMatchObject({ exitCode: 2, stderr: "usage: tug-exec serve\n" });
  });

  test("cannot see a joining process before it is one of its own", async () => {
    // The watcher records the program and the descriptors of each process that appears beside it.
    const watch = "while :; do for p in /proc/[0-9]*; do ls -l $p/fd $p/exe $p/cwd $p/root 2>/dev/null; done; done";
    const { monitor } = await lab.start({
      argv: shell(`echo ready; (${watch}) | grep -E 'tug-executor-|/work|\\.sock' | head -n 20`),
      spec: { awaitAttach: 1 },
    });
    const client = new Client(await monitor.attach(EVERYTHING));
    await client.saw("ready");
    const { pid } = await monitor.started;
    const kinds = { mount: "mnt", pid: "pid" } as const;
    const join = (["mount", "pid"] as const).map((kind) => ({ kind, path: `/proc/${pid}/ns/${kinds[kind]}` }));
    const drop: ChildOp = {
      op: "capabilities",
      bounding: 0n,
      effective: 0n,
      permitted: 0n,
      inheritable: 0n,
      ambient: 0n,
    };
    for (let round = 0; round < 20; round++) {
      await lab.run({ argv: [], clone: { create: [], join }, plan: { inside: [drop, exec({ argv: ["true"] })] } });
    }
    await monitor.signal(9);
    await client.ended;
    expect(client.text(1)).toBe("ready\n");
  });
});
