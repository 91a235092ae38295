/** Real processes through `tug-exec`: how they start, run, talk and end. Needs root. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { EngineError } from "#lib/errors";
import { bind, Client, EVERYTHING, Lab, mount } from "./_lab.ts";
import { readExitRecord } from "./records.ts";

let lab: Lab;
beforeAll(() => {
  Lab.build();
  lab = new Lab();
});
afterAll(() => lab[Symbol.asyncDispose]());

const shell = (script: string) => ["sh", "-c", script];

async function failure(work: Promise<unknown>): Promise<EngineError> {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  );
  if (!(error instanceof EngineError)) throw new Error(`no EngineError: ${error}`);
  return error;
}

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

describe("exit records", () => {
  test.each([
    ["exit 0", { exitCode: 0, signal: 0 }],
    ["exit 42", { exitCode: 42, signal: 0 }],
  ])("of a process that says %s", async (script, expected) => {
    expect(await lab.run({ argv: shell(script) })).toMatchObject({ ...expected, oomKilled: false });
  });

  test("of a process that a signal ended", async () => {
    const { monitor, spec } = await lab.start({ argv: ["sleep", "1000"] });
    await monitor.started;
    await monitor.signal(9);
    const record = await monitor.exited;
    expect(record).toMatchObject({ exitCode: 137, signal: 9 });
    expect(await readExitRecord(spec.exitPath)).toEqual(record);
    expect(existsSync(spec.socketPath)).toBe(false);
    await monitor.signal(9);
  });

  test("times are RFC 3339 with nanoseconds, and in order", async () => {
    const before = new Date().toISOString();
    const { monitor } = await lab.start({ argv: ["true"] });
    const { startedAt, startTicks, pid } = await monitor.started;
    const { exitedAt } = await monitor.exited;
    for (const time of [startedAt, exitedAt]) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
    expect([before, startedAt, exitedAt].map((time) => Date.parse(time))).toEqual(
      [before, startedAt, exitedAt].map((time) => Date.parse(time)).sort(),
    );
    expect(startTicks).toBeGreaterThan(0);
    expect(pid).toBeGreaterThan(1);
  });

  test("the record of an earlier run is gone when the next one starts", async () => {
    const exitPath = lab.path("again.exit");
    await lab.run({ argv: shell("exit 5"), spec: { exitPath } });
    const { monitor } = await lab.start({ argv: shell("read line"), stdio: { stdin: true }, spec: { exitPath } });
    await monitor.started;
    expect(await readExitRecord(exitPath)).toBeUndefined();
  });

  test("readExitRecord() reports a damaged file", async () => {
    await Bun.write(lab.path("damaged"), "abc");
    expect((await failure(readExitRecord(lab.path("damaged")))).kind).toBe("internal");
  });
});

describe("a failed start", () => {
  /** Exit code, message and section as `docker run` would have them. */
  async function startFailure(process: Parameters<Lab["start"]>[0]) {
    const { monitor, spec } = await lab.start(process);
    const error = await failure(monitor.started);
    const record = await monitor.exited;
    expect(record.error).toBe(error.message);
    expect(await readExitRecord(spec.exitPath)).toEqual(record);
    expect(existsSync(spec.socketPath)).toBe(false);
    return { code: record.exitCode, message: error.message, section: error.data.section, op: error.data.op };
  }

  test.each([
    [["nonesuch"], 127, 'exec: "nonesuch": executable file not found in $PATH'],
    [["/bin/nonesuch"], 127, 'exec: "/bin/nonesuch": stat /bin/nonesuch: no such file or directory'],
    [["/etc"], 126, 'exec: "/etc": is a directory: permission denied'],
    [["/etc/plain"], 126, 'exec: "/etc/plain": permission denied'],
    [["/etc/script"], 127, "exec /etc/script: no such file or directory"],
    [["/etc/garbage"], 126, "exec /etc/garbage: exec format error"],
    [[], 126, "exec: no program given"],
  ])("of the program %j", async (argv, code, message) => {
    const file = (name: string, mode: number, data: string) =>
      lab.executor.run([{ op: "write", path: `${lab.lower}/etc/${name}`, data, mode }]);
    await file("plain", 0o644, "#!/bin/sh\n");
    await file("script", 0o755, "#!/bin/missing\n");
    await file("garbage", 0o755, "\0\0\0\0");
    const found = await startFailure({ argv });
    expect(found).toMatchObject({ code, message, section: "inside" });
  });

  test("in the section before", async () => {
    const plan = { before: [{ op: "write", path: lab.path("no/such"), data: "", mode: 0 } as const] };
    expect(await startFailure({ argv: ["true"], plan })).toEqual({
      code: 128,
      message: `open "${lab.path("no/such")}" for writing: no such file or directory`,
      section: "before",
      op: 0,
    });
  });

  test("in the section beside ends the child, and runs what comes after", async () => {
    const [left, joined] = [lab.path("left-behind"), lab.path("no/procs")];
    const plan = {
      before: [{ op: "mkdir", path: left, mode: 0o755, parents: false } as const],
      beside: [{ op: "join-cgroup", path: joined } as const],
      after: [
        { op: "remove", path: "/proc/no", retryMs: 0 } as const,
        { op: "remove", path: left, retryMs: 0 } as const,
      ],
    };
    expect(await startFailure({ argv: ["true"], plan })).toMatchObject({ code: 128, section: "beside", op: 0 });
    expect(existsSync(left)).toBe(false);
  });

  test("at a source that does not exist", async () => {
    const found = await startFailure({ argv: ["true"], furnish: [bind("/no/such/source", "/mnt")] });
    expect(found).toMatchObject({ code: 128, message: 'bind "/no/such/source": no such file or directory', op: 8 });
  });

  test("at a mount option that the filesystem refuses", async () => {
    const found = await startFailure({ argv: ["true"], furnish: [mount("/tmp", "tmpfs", { options: ["size=much"] })] });
    expect(found.message).toContain('mount option "size=much": invalid argument');
    expect(found.message).toEndWith(' on "/tmp"');
  });

  test("at the clone", async () => {
    const clone = { cgroup: lab.path("no-cgroup") };
    expect((await startFailure({ argv: ["true"], clone })).message).toContain("no-cgroup");
  });

  test("at a log that cannot be written", async () => {
    const log = { path: lab.path("no/log"), maxBytes: 0, maxFiles: 1, attributes: "" };
    expect((await startFailure({ argv: ["true"], spec: { log } })).message).toStartWith("open log ");
  });

  test("start() itself reports a socket path that is too long", async () => {
    const socketPath = lab.path("x".repeat(120));
    expect((await failure(lab.start({ argv: ["true"], spec: { socketPath } }))).message).toContain("is too long");
  });
});

describe("stdio", () => {
  test("stdout and stderr arrive apart", async () => {
    const ended = await lab.run({ argv: shell("echo out; echo err >&2") });
    expect(ended).toMatchObject({ stdout: "out\n", stderr: "err\n", exitCode: 0 });
  });

  test("without stdin the process reads nothing", async () => {
    expect(await lab.run({ argv: ["cat"] }, "ignored")).toMatchObject({ stdout: "", exitCode: 0 });
  });

  test("the end of the client's side ends stdin with stdinOnce", async () => {
    const input = "line\n".repeat(100_000);
    const ended = await lab.run({ argv: ["cat"], stdio: { stdin: true, stdinOnce: true } }, input);
    expect(ended.stdout).toBe(input);
  });

  test("without stdinOnce it stays open for the next client", async () => {
    const { monitor } = await lab.start({ argv: shell("read a; read b; echo $a $b"), stdio: { stdin: true } });
    const first = new Client(await monitor.attach(EVERYTHING));
    first.socket.end("one\n");
    const second = new Client(await monitor.attach(EVERYTHING));
    second.socket.write("two\n");
    await second.saw("one two");
    await first.saw("one two");
    expect((await monitor.exited).exitCode).toBe(0);
  });

  test("a client gets only the streams that it wants", async () => {
    const { monitor } = await lab.start({
      argv: shell("read go; echo out; echo err >&2; echo done"),
      stdio: { stdin: true },
    });
    const out = new Client(await monitor.attach({ stdin: false, stdout: true, stderr: false }));
    const err = new Client(await monitor.attach({ stdin: false, stdout: false, stderr: true }));
    (await monitor.attach({ stdin: true, stdout: false, stderr: false })).write("go\n");
    await Promise.all([out.ended, err.ended]);
    expect([out.text(1), out.text(2)]).toEqual(["out\ndone\n", ""]);
    expect([err.text(1), err.text(2)]).toEqual(["", "err\n"]);
  });

  test("stdin of a client that does not want it is thrown away", async () => {
    const { monitor } = await lab.start({ argv: shell("read a; echo got $a"), stdio: { stdin: true } });
    const watcher = new Client(await monitor.attach({ stdin: false, stdout: true, stderr: false }));
    watcher.socket.write("wrong\n".repeat(10_000));
    const typist = new Client(await monitor.attach(EVERYTHING));
    typist.socket.write("right\n");
    await watcher.ended;
    expect(watcher.text(1)).toBe("got right\n");
  });

  test("stdin of a process that does not read holds up nobody", async () => {
    const { monitor } = await lab.start({
      argv: shell("echo ready; sleep 1000"),
      stdio: { stdin: true, stdinOnce: true },
    });
    const stuffed = new Client(await monitor.attach(EVERYTHING));
    stuffed.socket.end(Buffer.alloc(8 << 20, "x"));
    await monitor.started;
    await monitor.signal(0);
    const gone = new Client(await monitor.attach(EVERYTHING));
    gone.socket.write("y");
    gone.socket.destroy();
    await gone.ended;
    await monitor.signal(9);
    expect((await monitor.exited).exitCode).toBe(137);
    await stuffed.ended;
  });

  test("a process that closes its stdin lets clients write on", async () => {
    const argv = shell("exec <&-; echo closed; sleep 1000");
    const { monitor } = await lab.start({ argv, stdio: { stdin: true }, spec: { awaitAttach: 1 } });
    const client = new Client(await monitor.attach(EVERYTHING));
    await client.saw("closed");
    const written = Promise.withResolvers<void>();
    client.socket.write(Buffer.alloc(4 << 20, "x"), () => written.resolve());
    await written.promise;
    await monitor.signal(9);
    await client.ended;
  });

  test("the gate holds the program back until the clients are there", async () => {
    const marker = lab.path("lower/etc/none");
    const { monitor } = await lab.start({ argv: ["echo", "first words"], spec: { awaitAttach: 2 } });
    const first = new Client(await monitor.attach(EVERYTHING));
    await monitor.signal(0);
    expect(await Promise.race([monitor.started, Promise.resolve("waiting")])).toBe("waiting");
    const second = new Client(await monitor.attach(EVERYTHING));
    await Promise.all([first.ended, second.ended]);
    expect([first.text(1), second.text(1)]).toEqual(["first words\n", "first words\n"]);
    expect(existsSync(marker)).toBe(false);
  });

  test("the gate opens when the controller went away", async () => {
    const { monitor, spec } = await lab.start({ argv: shell("exit 9"), spec: { awaitAttach: 1 } });
    monitor.close();
    const deadline = Date.now() + 5000;
    let record = await readExitRecord(spec.exitPath);
    while (record === undefined && Date.now() < deadline) {
      await new Promise((resolve) => setImmediate(resolve));
      record = await readExitRecord(spec.exitPath);
    }
    expect(record).toMatchObject({ exitCode: 9 });
  });

  test("everything that was written before the end arrives", async () => {
    const ended = await lab.run({ argv: shell("seq 1 200000") });
    expect(ended.stdout.length).toBe(1_288_895);
    expect(ended.stdout).toEndWith("199999\n200000\n");
  });

  test("a client that does not read holds up neither the process nor others, and misses nothing", async () => {
    const size = 64 << 20;
    const argv = shell(`head -c ${size} /dev/zero; echo; echo done`);
    const { monitor } = await lab.start({ argv, spec: { awaitAttach: 2 } });
    const slow = await monitor.attach(EVERYTHING);
    slow.pause();
    const quick = new Client(await monitor.attach({ stdin: false, stdout: true, stderr: false }));
    expect((await monitor.exited).exitCode).toBe(0);
    await quick.ended;
    expect(quick.byteLength).toBe(size + 6);
    const late = new Client(slow);
    slow.resume();
    await late.ended;
    expect(late.byteLength).toBe(size + 6);
    expect(readdirSync(lab.folder).filter((name) => name.startsWith("#"))).toEqual([]);
  });

  test("a descendant that holds the output open delays the end only for a while", async () => {
    const started = performance.now();
    const ended = await lab.run({
      argv: shell("sleep 30 & echo $! > /tmp/pid; echo parent"),
      clone: { create: ["mount", "ipc", "uts", "network"] },
      become: [bindNothing()],
    });
    expect(ended).toMatchObject({ exitCode: 0, stdout: "parent\n" });
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

function bindNothing() {
  return { op: "hostname", name: "lab" } as const;
}

describe("a terminal", () => {
  const tty = { tty: true, stdin: true, width: 132, height: 43 };

  test("is the container's own console with the size that was asked for", async () => {
    const ended = await lab.run({
      argv: shell("stty size; readlink /proc/self/fd/0; ls -l /dev/console | cut -c1; echo err >&2"),
      furnish: [{ op: "console" }],
      stdio: tty,
    });
    expect(ended.stdout.replaceAll("\r", "")).toBe("43 132\n/dev/pts/0\nc\nerr\n");
  });

  test("resize() reaches the program", async () => {
    const argv = shell("trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.1; done");
    const { monitor } = await lab.start({ argv, furnish: [{ op: "console" }], stdio: tty, spec: { awaitAttach: 1 } });
    const client = new Client(await monitor.attach(EVERYTHING), true);
    await client.saw("ready");
    await monitor.resize({ width: 100, height: 30 });
    await client.ended;
    expect(client.text(1)).toContain("30 100");
  });

  test("resize() is refused without one", async () => {
    const { monitor } = await lab.start({ argv: ["sleep", "1000"] });
    await monitor.started;
    expect((await failure(monitor.resize({ width: 1, height: 1 }))).data).toEqual({ errno: 25 });
  });

  test("passes keys on as signals", async () => {
    const { monitor } = await lab.start({
      argv: shell("echo ready; cat"),
      furnish: [{ op: "console" }],
      stdio: tty,
      spec: { awaitAttach: 1 },
      init: true,
    });
    const client = new Client(await monitor.attach(EVERYTHING), true);
    await client.saw("ready");
    client.socket.write("typed\n");
    await client.saw("typed\r\ntyped");
    client.socket.write("\x03");
    expect((await monitor.exited).exitCode).toBe(130);
  });

  test("the client's half-close does not end it", async () => {
    const { monitor } = await lab.start({
      argv: shell("echo ready; read line; echo got $line"),
      furnish: [{ op: "console" }],
      stdio: { ...tty, stdinOnce: true },
      spec: { awaitAttach: 1 },
    });
    const client = new Client(await monitor.attach(EVERYTHING), true);
    await client.saw("ready");
    client.socket.end();
    const second = new Client(await monitor.attach(EVERYTHING), true);
    second.socket.write("more\n");
    await client.saw("got more");
    expect((await monitor.exited).exitCode).toBe(0);
  });

  test("a terminal that the program closed and opened again still works", async () => {
    const argv = shell("exec <&- >&- 2>&-; sleep 0.2; exec </dev/console >/dev/console; echo back");
    const ended = await lab.run({ argv, furnish: [{ op: "console" }], stdio: tty });
    expect(ended).toMatchObject({ exitCode: 0, stdout: "back\r\n" });
  });
});

describe("init", () => {
  test("passes signals on and ends as the program did", async () => {
    const argv = shell("trap 'echo caught; exit 4' TERM; echo ready; while :; do sleep 0.1; done");
    const { monitor } = await lab.start({ argv, init: true, spec: { awaitAttach: 1 } });
    const client = new Client(await monitor.attach(EVERYTHING));
    await client.saw("ready");
    await monitor.signal(15);
    expect(await monitor.exited).toMatchObject({ exitCode: 4 });
    await client.ended;
    expect(client.text(1)).toBe("ready\ncaught\n");
  });

  test("reaps orphans", async () => {
    const script = "(sleep 0.1 &) ; sleep 0.4; ls -d /proc/[0-9]* | wc -l";
    // init, the shell, ls and wc: no zombie of the orphan.
    expect(
      (await lab.run({ argv: shell(script.replace("wc -l", "cat")), init: true })).stdout.trim().split("\n").length,
    ).toBeLessThanOrEqual(4);
  });

  test("a program that cannot be run fails the start", async () => {
    const { monitor } = await lab.start({ argv: ["/etc"], init: true });
    expect((await failure(monitor.started)).message).toBe('exec: "/etc": is a directory: permission denied');
    expect((await monitor.exited).exitCode).toBe(126);
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
