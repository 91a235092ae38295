/** What goes in and out of processes: pipes, terminals, several clients, slow ones, and init's signals. Needs root. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { Client, EVERYTHING, failure, Lab, shell } from "./_lab.ts";
import { readExitRecord } from "./records.ts";

let lab: Lab;
beforeAll(() => {
  Lab.build();
  lab = new Lab();
});
afterAll(() => lab[Symbol.asyncDispose]());

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
    });
    expect(ended).toMatchObject({ exitCode: 0, stdout: "parent\n" });
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

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
