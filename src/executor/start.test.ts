/** How processes start and end: exit records, and what is said when a start fails. Needs root. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { bind, failure, Lab, mount, shell } from "./_lab.ts";
import { readExitRecord } from "./records.ts";

let lab: Lab;
beforeAll(() => {
  Lab.build();
  lab = new Lab();
});
afterAll(() => lab[Symbol.asyncDispose]());

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
    const [left, missing] = [lab.path("left-behind"), lab.path("no/file")];
    const plan = {
      before: [{ op: "mkdir", path: left, mode: 0o755, parents: false } as const],
      beside: [{ op: "write", path: missing, data: "", mode: 0 } as const],
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
    const v1 = { cgroupTasks: [lab.path("no-tasks")] };
    expect((await startFailure({ argv: ["true"], clone: v1 })).message).toContain("no-tasks");
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
