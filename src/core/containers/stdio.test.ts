import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Duplex } from "node:stream";
import { EngineError } from "#lib/errors";
import { FakeEngine } from "./_fakes.ts";
import type { ExecConfig } from "./container.ts";
import type { AttachRequest, LogsRequest } from "./containers.ts";

const ATTACH: AttachRequest = { stdin: true, stdout: true, stderr: true, logs: false, stream: true, detachKeys: "" };
const LOGS: LogsRequest = {
  stdout: true,
  stderr: true,
  follow: false,
  timestamps: false,
  details: false,
  since: "",
  until: "",
  tail: -1,
};
const EXEC: ExecConfig = {
  command: ["ls", "-l"],
  tty: false,
  attachStdin: false,
  attachStdout: true,
  attachStderr: true,
  detachKeys: "",
  privileged: false,
  user: "",
  workingDir: "",
  env: ["B=2"],
};

async function text(stream: AsyncIterable<unknown>): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += Buffer.from(chunk as Uint8Array).toString();
  return all;
}

function writeLog(engine: FakeEngine, name: string, ...lines: string[]): void {
  const { log } = engine.containers.paths(engine.containers.get(name).id);
  mkdirSync(dirname(log), { recursive: true });
  const time = "2026-01-02T03:04:05.000000000Z";
  writeFileSync(log, lines.map((line) => `${JSON.stringify({ log: `${line}\n`, stream: "stdout", time })}\n`).join(""));
}

test("clients that attach before the start are connected by it, and it waits for them", async () => {
  await using engine = new FakeEngine();
  await engine.create("web", { config: { OpenStdin: true } });
  const [first, second, gone] = [
    await engine.containers.attach("web", ATTACH),
    await engine.containers.attach("web", ATTACH),
    await engine.containers.attach("web", ATTACH),
  ];
  gone.destroy();
  await new Promise(setImmediate);
  await engine.containers.start("web");
  const monitor = engine.executor.last;
  expect(monitor.spec.awaitAttach).toBe(2);
  expect(monitor.clients).toHaveLength(2);
  monitor.clients[0]?.end("one");
  monitor.clients[1]?.end("two");
  expect([await text(first), await text(second)]).toEqual(["one", "two"]);
});

test("clients that attached before a start that fails see the end", async () => {
  await using engine = new FakeEngine();
  engine.executor.onStart = (monitor) => monitor.fail(new EngineError("internal", "no"));
  await engine.create("web");
  const stream = await engine.containers.attach("web", ATTACH);
  await expect(engine.containers.start("web")).rejects.toThrow("no");
  engine.executor.last.clients[0]?.end();
  expect(await text(stream)).toBe("");
});

test("attach() replays the log first when asked, without a live stream or with one", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web", { config: { Tty: true } });
  writeLog(engine, "web", "past");
  expect(await text(await engine.containers.attach("web", { ...ATTACH, logs: true, stream: false }))).toBe("past\n");
  const both = await engine.containers.attach("web", { ...ATTACH, logs: true });
  monitor.clients.at(-1)?.end("present\n");
  expect(await text(both)).toBe("past\npresent\n");
});

test("detach keys are looked for with a terminal and stdin only, and end the stream alone", async () => {
  await using engine = new FakeEngine();
  await engine.run("web", { config: { Tty: true, OpenStdin: true } });
  const stream = await engine.containers.attach("web", { ...ATTACH, detachKeys: "ctrl-a,x" });
  stream.write(Buffer.from([1]));
  stream.write("x");
  expect(await text(stream)).toBe("");
  expect(engine.actions.at(-1)).toBe("detach");
  expect(engine.status("web")).toBe("running");
  await expect(engine.containers.attach("web", { ...ATTACH, detachKeys: "ctrl-?" })).rejects.toThrow(
    "Invalid detach keys (ctrl-?) provided",
  );
});

test("stdin of a container that has none is not attached", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web");
  await engine.containers.attach("web", ATTACH);
  expect(monitor.attachments).toEqual([{ stdin: false, stdout: true, stderr: true }]);
});

test("attach() and logs() refuse what cannot be, in Docker's words", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  await engine.containers.pause("web");
  await expect(engine.containers.attach("web", ATTACH)).rejects.toThrow(
    "container web is paused, unpause the container before attach",
  );
  await expect(engine.containers.logs("web", { ...LOGS, stdout: false, stderr: false })).rejects.toThrow(
    "Bad parameters: you must choose at least one stream",
  );
  await expect(engine.containers.logs("web", { ...LOGS, since: "soon" })).rejects.toThrow(
    'strconv.ParseInt: parsing "soon": invalid syntax',
  );
  await engine.create("mute", { hostConfig: { LogConfig: { Type: "none" } } });
  await expect(engine.containers.logs("mute", LOGS)).rejects.toThrow(
    "configured logging driver does not support reading",
  );
});

test("logs() that follow end with the container, and at once when it does not run", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web", { config: { Tty: true } });
  writeLog(engine, "web", "one");
  const following = text(await engine.containers.logs("web", { ...LOGS, follow: true }));
  monitor.exit(0);
  expect(await following).toBe("one\n");
  await engine.settle();
  expect(await text(await engine.containers.logs("web", { ...LOGS, follow: true }))).toBe("one\n");
});

test("logs() with attributes of labels, environment and tag", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web", {
    config: { Labels: { tier: "db", x: "y" }, Env: ["STAGE=prod", "OTHER=1"] },
    hostConfig: {
      LogConfig: {
        Type: "json-file",
        Config: {
          labels: "tier",
          "env-regex": "^ST",
          tag: "{{.Name}}/{{ .ImageName }}",
          "max-size": "10k",
          "max-file": "3",
        },
      },
    },
  });
  expect(monitor.spec.log).toMatchObject({ maxBytes: 10_000, maxFiles: 3 });
  expect(JSON.parse(monitor.spec.log?.attributes ?? "")).toEqual({ tier: "db", STAGE: "prod", tag: "web/busybox" });
});

test("an exec: created, started once, ended, known for five minutes", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  const id = await engine.containers.createExec("web", EXEC);
  expect(engine.containers.execIDs(engine.containers.get("web").id)).toEqual([id]);
  const stream = (await startExec(engine, id, { detach: false, tty: false })) as Duplex;
  const monitor = engine.executor.last;
  expect(monitor.spec.awaitAttach).toBe(1);
  expect(engine.containers.getExec(id).state).toEqual({ status: "running", pid: 4711 });
  await expect(startExec(engine, id, { detach: true, tty: false })).rejects.toMatchObject({
    kind: "conflict",
  });
  monitor.clients[0]?.end("listing");
  monitor.exit(2);
  // Whoever saw the end of the output asks for the exit code next, and must find it.
  expect(await text(stream)).toBe("listing");
  expect(engine.containers.getExec(id).state).toEqual({ status: "exited", exitCode: 2, pid: 4711 });
  await engine.until(() => engine.actions.at(-1) === "exec_die");
  await expect(startExec(engine, id, { detach: true, tty: false })).rejects.toMatchObject({
    kind: "conflict",
  });
  expect(engine.actions.slice(-3)).toEqual(["exec_create: ls -l", "exec_start: ls -l", "exec_die"]);
  engine.clock.advance(5 * 60_000);
  expect(() => engine.containers.getExec(id)).toThrow(`No such exec instance: ${id}`);
});

test("a resize waits for the start of its exec", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  const id = await engine.containers.createExec("web", { ...EXEC, tty: true });
  const { stdio } = await engine.containers.startExec(id, { detach: true, tty: true });
  await engine.containers.resizeExec(id, { width: 80, height: 24 });
  await stdio;
  expect(engine.executor.last.sizes).toEqual([{ width: 80, height: 24 }]);
});

test("an exec that cannot start has 127 and says why", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  const id = await engine.containers.createExec("web", EXEC);
  engine.executor.onStart = (monitor) =>
    monitor.fail(new EngineError("not-found", 'exec: "ls": executable file not found in $PATH'));
  await expect(startExec(engine, id, { detach: true, tty: false })).rejects.toMatchObject({
    kind: "invalid-parameter",
    message: 'failed to start exec of "ls": exec: "ls": executable file not found in $PATH',
  });
  expect(engine.containers.getExec(id).state).toMatchObject({ status: "exited", exitCode: 127 });
});

test("a monitor that is gone before anybody could attach leaves the reason of its failure", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  engine.executor.onStart = (monitor) => {
    monitor.attach = async () => {
      throw new EngineError("not-found", "connect to monitor: connect ENOENT");
    };
    monitor.fail(
      new EngineError("not-found", 'exec: "ls": executable file not found in $PATH', { data: { errno: 2 } }),
    );
  };
  const reason = 'exec: "ls": executable file not found in $PATH';
  const id = await engine.containers.createExec("web", EXEC);
  await expect(startExec(engine, id, { detach: false, tty: false })).rejects.toThrow(reason);
  await engine.create("fails");
  const stream = await engine.containers.attach("fails", ATTACH);
  await expect(engine.containers.start("fails")).rejects.toThrow(reason);
  expect(await text(stream)).toBe("");
});

test("execs need a running container, a command, and end with their container", async () => {
  await using engine = new FakeEngine();
  const id = await engine.create("web");
  await expect(engine.containers.createExec("web", EXEC)).rejects.toThrow(`container ${id} is not running`);
  await engine.containers.start("web");
  await expect(engine.containers.createExec("web", { ...EXEC, command: [] })).rejects.toThrow(
    "No exec command specified",
  );
  const exec = await engine.containers.createExec("web", EXEC);
  await engine.containers.pause("web");
  await expect(engine.containers.createExec("web", EXEC)).rejects.toThrow(
    "Container web is paused, unpause the container before exec",
  );
  await engine.containers.unpause("web");
  await engine.containers.kill("web", "KILL");
  await engine.until(() => engine.status("web") === "exited");
  await engine.settle();
  expect(() => engine.containers.getExec(exec)).toThrow("No such exec instance");
});

test("top() shows the container's own processes", async () => {
  await using engine = new FakeEngine();
  const id = await engine.create("web");
  await expect(engine.containers.top("web", "")).rejects.toThrow(`container ${id} is not running`);
  await engine.containers.start("web");
  engine.ps = "UID PID CMD\nroot 1 /sbin/init\n";
  expect(await engine.containers.top("web", "")).toEqual({ titles: ["UID", "PID", "CMD"], processes: [] });
  await expect(engine.containers.top("web", "-o pid=x")).rejects.toMatchObject({ kind: "invalid-parameter" });
  engine.ps = "CMD\ninit\n";
  await expect(engine.containers.top("web", "-o cmd")).rejects.toThrow("Couldn't find PID field in ps output");
});

test("pause() freezes, shows it, and unpause() thaws", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  await engine.containers.pause("web");
  expect(engine.status("web")).toBe("paused");
  await expect(engine.containers.start("web")).rejects.toThrow("cannot start a paused container, try unpause instead");
  await engine.containers.unpause("web");
  expect(engine.status("web")).toBe("running");
  const writes = engine.executor.plans.flat().flatMap((op) => (op.op === "write" ? [op.data] : []));
  expect(writes).toEqual(["1", "0"]);
  expect(engine.actions.slice(-2)).toEqual(["pause", "unpause"]);
});

test("a paused container that is killed is thawed, so that it can die", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  await engine.containers.pause("web");
  await engine.containers.kill("web", "");
  await engine.settle();
  expect(engine.status("web")).toBe("exited");
  expect(engine.executor.plans.flat().at(-1)).toMatchObject({ op: "write", data: "0" });
});

/** The whole of a start: what it comes to. */
async function startExec(engine: FakeEngine, id: string, options: { detach: boolean; tty: boolean }) {
  return await (await engine.containers.startExec(id, options)).stdio;
}
