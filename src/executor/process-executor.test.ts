/** Host plans, the life of `tug-exec serve`, netlink, and many processes at once. Needs root. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { EVERYTHING, failure, Lab, mount, shell } from "./_lab.ts";

let lab: Lab;
beforeAll(() => {
  Lab.build();
  lab = new Lab();
});
afterAll(() => lab[Symbol.asyncDispose]());

describe("run()", () => {
  test("answers one result an op", async () => {
    const [made, read] = await lab.executor.run([
      { op: "mkdir", path: lab.path("a/b/c"), mode: 0o755, parents: true },
      { op: "read", path: "/proc/sys/kernel/ostype", limitBytes: 100 },
    ]);
    expect(made).toHaveLength(0);
    expect(Buffer.from(read!).toString()).toBe("Linux\n");
  });

  test("names the op, the call and the object of a failure", async () => {
    const error = await failure(
      lab.executor.run([
        { op: "umount", path: lab.folder, detach: false },
        { op: "write", path: lab.path("none/file"), data: "x", mode: 0o600 },
      ]),
    );
    expect(error.message).toBe(`open "${lab.path("none/file")}" for writing: no such file or directory`);
    expect(error.kind).toBe("not-found");
    expect(error.data).toEqual({ errno: 2, section: "host", op: 1 });
  });

  test("refuses ops of a process", async () => {
    const hostname = { op: "hostname", name: "intruder" } as unknown as { op: "unshare-mounts" };
    expect((await failure(lab.executor.run([hostname]))).message).toBe('op "hostname" in the wrong section');
  });

  test("a plan that blocks delays no other", async () => {
    const fifo = lab.path("fifo");
    Bun.spawnSync(["mkfifo", fifo]);
    const blocked = lab.executor.run([{ op: "read", path: fifo, limitBytes: 100 }]);
    const others = Array.from({ length: 50 }, () =>
      lab.executor.run([{ op: "read", path: "/proc/version", limitBytes: 1000 }]),
    );
    expect((await Promise.all(others)).every(([text]) => text!.length > 0)).toBe(true);
    await lab.executor.run([{ op: "write", path: fifo, data: "woken", mode: 0 }]);
    expect(Buffer.from((await blocked)[0]!).toString()).toBe("woken");
  });

  test("answers that are larger than a pipe arrive whole", async () => {
    const data = "0123456789abcdef".repeat(200_000);
    const path = lab.path("large");
    await lab.executor.run([{ op: "write", path, data, mode: 0o600 }]);
    const [, read] = await lab.executor.run([
      { op: "remove", path: lab.path("absent"), retryMs: 0 },
      { op: "read", path, limitBytes: data.length },
    ]);
    expect(Buffer.from(read!).toString()).toBe(data);
    expect((await failure(lab.executor.run([{ op: "read", path, limitBytes: 100 }]))).message).toBe(
      `read "${path}": more than 100 bytes`,
    );
  });

  test("mounts of serve do not appear on the host", async () => {
    const path = lab.path("hidden");
    await lab.executor.run([
      { op: "mkdir", path, mode: 0o755, parents: false },
      { op: "mount-bind", path, source: "/proc", flags: 4096 },
    ]);
    expect(existsSync(`${path}/self`)).toBe(false);
    const [version] = await lab.executor.run([{ op: "read", path: `${path}/version`, limitBytes: 1000 }]);
    expect(Buffer.from(version!).toString()).toStartWith("Linux");
    await lab.executor.run([{ op: "umount", path, detach: false }]);
  });
});

describe("serve", () => {
  test("is started again after it was killed, and monitors go on", async () => {
    await using own = new Lab();
    const { monitor, spec } = await own.start({ argv: shell("read line; exit 7"), stdio: { stdin: true } });
    await monitor.started;
    const pid = await servePid(own);
    const fifo = own.path("fifo");
    Bun.spawnSync(["mkfifo", fifo]);
    const blocked = failure(own.executor.run([{ op: "read", path: fifo, limitBytes: 1 }]));
    process.kill(pid, "SIGKILL");
    expect((await blocked).kind).toBe("unavailable");
    expect(await own.executor.run([{ op: "read", path: "/proc/version", limitBytes: 1000 }])).toHaveLength(1);
    const again = await own.executor.connect(spec.socketPath);
    expect(await again.started).toEqual(await monitor.started);
    (await again.attach(EVERYTHING)).end("x\n");
    expect(await again.exited).toMatchObject({ exitCode: 7 });
  });
});

describe("netlink", () => {
  /** RTM_SETLINK: raises an interface by its number. */
  function raise(index: number, ignore: readonly number[] = []) {
    const messages = Buffer.alloc(32);
    messages.writeUInt32LE(32, 0);
    messages.writeUInt16LE(19, 4);
    messages.writeUInt16LE(1 | 4, 6);
    messages.writeUInt32LE(7, 8);
    messages.writeInt32LE(index, 20);
    messages.writeUInt32LE(1, 24);
    messages.writeUInt32LE(1, 28);
    return { op: "netlink", protocol: 0, messages, childPidAt: [], ignore, what: "raise it" } as const;
  }

  test("answers with what the kernel said", async () => {
    const [answer] = await lab.executor.run([raise(1)]);
    const bytes = Buffer.from(answer!);
    expect([bytes.readUInt16LE(4), bytes.readUInt32LE(8), bytes.readInt32LE(16)]).toEqual([2, 7, 0]);
  });

  test("an error names what was done, unless it is to be ignored", async () => {
    expect((await failure(lab.executor.run([raise(999_999)]))).message).toStartWith("raise it: no such device");
    expect(await lab.executor.run([raise(999_999, [19])])).toHaveLength(1);
  });

  test("messages that lie about their length are refused, and none is sent", async () => {
    const lying = raise(1);
    for (const length of [0, 15, 33, 0xffffffff]) {
      lying.messages.writeUInt32LE(length, 0);
      for (const protocol of [0, 12]) {
        const error = await failure(lab.executor.run([{ ...lying, protocol }]));
        expect(error.message).toBe("raise it: wrong message length");
      }
    }
  });

  test("a place for the child's pid that is none is refused", async () => {
    const error = await failure(lab.executor.run([{ ...raise(1), childPidAt: [29] }]));
    expect(error.message).toBe("raise it: the child's pid has no place");
  });

  test("inside, it acts on the child's network", async () => {
    const ended = await lab.run({
      argv: shell("cat /sys/class/net/lo/flags"),
      furnish: [mount("/sys", "sysfs"), raise(1)],
    });
    expect(ended.stdout).toBe("0x9\n");
  });
});

test("a hundred at once all run, end, and leave nothing", async () => {
  await using own = new Lab();
  const ended = await Promise.all(
    Array.from({ length: 100 }, (_, index) => own.run({ argv: shell(`echo ${index}; exit ${index}`) })),
  );
  expect(ended.map(({ exitCode }) => exitCode)).toEqual(ended.map((_, index) => index));
  expect(ended.map(({ stdout }) => stdout)).toEqual(ended.map((_, index) => `${index}\n`));
  expect(readdirSync(own.folder).filter((name) => name.endsWith(".sock") || name.endsWith(".new"))).toEqual([]);
  const serve = await servePid(own);
  expect(readdirSync(`/proc/${serve}/fd`).length).toBeLessThan(12);
  const mounts = readFileSync(`/proc/${serve}/mountinfo`, "utf8");
  expect(mounts).not.toContain(own.folder);
});

/** The process that runs host plans: the parent of any plan. */
async function servePid(own: Lab): Promise<number> {
  const [stat] = await own.executor.run([{ op: "read", path: "/proc/self/stat", limitBytes: 4096 }]);
  return Number(Buffer.from(stat!).toString().replace(/.*\) /, "").split(" ")[1]);
}

test("monitors show in ps what they are, and are small", async () => {
  const { monitor, spec } = await lab.start({
    argv: ["sleep", "1000"],
    spec: { log: { path: lab.path("idle.log"), maxBytes: 0, maxFiles: 1, attributes: "" } },
  });
  const { pid } = await monitor.started;
  const parent = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/.*\) /, "").split(" ")[1]!;
  expect(readFileSync(`/proc/${parent}/cmdline`, "utf8").replaceAll("\0", "")).toBe(`tug-monitor ${spec.name}`);
  expect(readFileSync(`/proc/${parent}/comm`, "utf8")).toBe("tug-monitor\n");
  const resident = /^Rss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${parent}/smaps_rollup`, "utf8"))!;
  expect(Number(resident[1])).toBeLessThan(1024);
});

test("connect() finds no monitor where there is none", async () => {
  expect((await failure(lab.executor.connect(lab.path("none.sock")))).kind).toBe("not-found");
});
