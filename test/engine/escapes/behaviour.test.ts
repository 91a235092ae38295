/**
 * Containers that misbehave, and accidents at the worst moment: fork bombs, floods, ends and removals while something else is
 * going on, parts of the engine killed.
 *
 * What stops them: limits that the kernel keeps; monitors that no client can hold up; one lock for each container; and whatever is
 * killed, somebody else notices: the daemon a lost monitor, the executor's supervisor a lost executor.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { TestDaemon } from "../_daemon.ts";
import { loadImages } from "./_attack.ts";

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
  await loadImages(daemon, [{ tag: "probed" }]);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const docker = (...args: string[]) => daemon.cli("docker", args);
const ok = (...args: string[]) => daemon.ok("docker", args);
const state = (name: string) => ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", name);
const pidOf = async (name: string) => Number(await ok("inspect", "-f", "{{.State.Pid}}", name));

async function until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await probe()) return;
    await Bun.sleep(20);
  }
  throw new Error(`it never came true: ${what}\n${daemon.log.slice(-2000)}`);
}

/** What containers leave on the host, of this daemon's only. */
function traces(id: string): string[] {
  const { stdout } = Bun.spawnSync(["find", "/sys/fs/cgroup", "-type", "d", "-name", `*${id}*`]);
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return [
    ...stdout.toString().split("\n").filter(Boolean),
    ...mounts.filter((line) => line.includes(id)),
    ...(existsSync(`${daemon.execRoot}/containers/${id}`) ? [`${daemon.execRoot}/containers/${id}`] : []),
  ];
}

const ports = () => readdirSync(`/sys/class/net/${daemon.name}/brif`);

describe("limits", () => {
  test("a fork bomb stays within its pids limit, and ends with its container", async () => {
    const bomb = "(while :; do sleep 600 & done); exec sleep 600";
    const id = await ok("run", "-d", "--name=bomb", "--pids-limit=40", "--init", "busybox", "sh", "-c", bomb);
    await until("the limit is felt", async () => (await processes("bomb")) >= 35);
    for (let tries = 0; tries < 20; tries++) {
      expect(await processes("bomb")).toBeLessThanOrEqual(40);
      expect((await daemon.api("GET", "/_ping")).status).toBe(200);
    }
    await ok("rm", "-f", "bomb");
    expect(traces(id)).toEqual([]);
  });

  test("a memory hog is killed, said to be, and the daemon lives", async () => {
    const result = await docker(
      "run",
      "--name=hog",
      "--memory=16m",
      "--memory-swap=16m",
      "busybox",
      "sh",
      "-c",
      "tail /dev/zero",
    );
    expect(result.code).toBe(137);
    expect(await ok("inspect", "-f", "{{.State.OOMKilled}}", "hog")).toBe("true");
    await ok("rm", "hog");
  });

  test("open files, nested directories and empty processes do no harm to the removal", async () => {
    const script =
      "d=/tmp; i=0; while [ $i -lt 300 ]; do d=$d/ddddddddddd; i=$((i+1)); mkdir $d || cd $d; done; chmod 000 /tmp; mkdir /x; chmod 0 /x";
    const id = await ok("run", "-d", "busybox", "sh", "-c", script);
    await ok("wait", id);
    await ok("rm", id);
    expect(traces(id)).toEqual([]);
  });
});

async function processes(name: string): Promise<number> {
  const { body } = await daemon.api<{ Processes?: unknown[] }>("GET", `/containers/${name}/top`);
  return body.Processes?.length ?? 0;
}

describe("at the same time", () => {
  test("of eight starts one starts it, the others find it running", async () => {
    await ok("create", "--name=contested", "busybox", "sleep", "600");
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => daemon.api("POST", "/containers/contested/start")),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(7).fill(304)]);
    expect(await processes("contested")).toBe(1);
    await ok("rm", "-f", "contested");
  });

  test("removed while it starts: it is gone, and nothing stays", async () => {
    for (let tries = 0; tries < 15; tries++) {
      const id = await ok("create", "busybox", "sleep", "600");
      const [started, removed] = await Promise.all([
        daemon.api("POST", `/containers/${id}/start`),
        Bun.sleep(tries).then(() => daemon.api("DELETE", `/containers/${id}?force=1`)),
      ]);
      expect([204, 404, 409]).toContain(started.status);
      expect([204, 409]).toContain(removed.status);
      if (removed.status === 409) await daemon.api("DELETE", `/containers/${id}?force=1`);
      expect((await daemon.api("GET", `/containers/${id}/json`)).status).toBe(404);
      expect(traces(id)).toEqual([]);
    }
    await until("its port is gone from the bridge", () => ports().length === 0);
  });

  test("it ends while it is entered: every exec ends, too", async () => {
    for (let tries = 0; tries < 8; tries++) {
      const id = await ok("run", "-d", "busybox", "sleep", `0.0${tries}`);
      const results = await Promise.all(Array.from({ length: 4 }, () => docker("exec", id, "echo", "in time")));
      for (const { code } of results) expect([0, 1, 126, 127, 128, 137]).toContain(code);
      await ok("wait", id);
      await ok("rm", id);
      expect(traces(id)).toEqual([]);
    }
  });

  test("stopped, killed, paused, renamed and removed at once: one order or another", async () => {
    for (let tries = 0; tries < 5; tries++) {
      const id = await ok("run", "-d", "busybox", "sleep", "600");
      const verbs = [
        "kill",
        "stop?t=0",
        "pause",
        "unpause",
        "restart?t=0",
        `rename?name=r${tries}`,
        "kill?signal=HUP",
        "wait",
      ];
      const all = verbs.map((verb) => daemon.api("POST", `/containers/${id}/${verb}`));
      const removed = Bun.sleep(30).then(() => daemon.api("DELETE", `/containers/${id}?force=1`));
      // "is not paused" is a 500 of dockerd's.
      for (const { status, text } of await Promise.all([...all, removed]))
        if (status >= 500 && !text.includes("is not paused")) throw new Error(`${status} ${text}`);
      await daemon.api("DELETE", `/containers/${id}?force=1`);
      expect(traces(id)).toEqual([]);
    }
  });
});

describe("stdio", () => {
  test("a container that closes it goes on", async () => {
    await ok("run", "-d", "--name=silent", "busybox", "sh", "-c", "exec 0<&- 1>&- 2>&-; sleep 0.3; exit 9");
    expect(await ok("wait", "silent")).toBe("9");
    await ok("rm", "silent");
  });

  test("what it prints is text of the log, never the log's own structure", async () => {
    const lines = [
      '{"log":"fake","stream":"stderr","time":"2000-01-01T00:00:00Z"}',
      '"}\\n{"log":"x',
      "\u001b[2J",
      "\\u0000",
    ];
    const script = `${lines.map((line) => `printf '%s\\n' '${line}'`).join("; ")}; printf 'a\\000b\\377\\n'; printf 'no end'`;
    await ok("run", "--name=liar", "busybox", "sh", "-c", script);
    const { stdout, stderr } = await docker("logs", "liar");
    expect(stdout).toBe(`${lines.join("\n")}\na\u0000b\ufffd\nno end`);
    expect(stderr).toBe("");
    await ok("rm", "liar");
  });

  test("a flood stays within its log's limit, while clients that read nothing hold up nobody", async () => {
    const options = ["--log-opt=max-size=1m", "--log-opt=max-file=2"];
    const id = await ok("run", "-d", "--name=flood", ...options, "busybox", "yes", "0123456789".repeat(20));
    const deaf = ["logs?follow=1&stdout=1", "attach?stream=1&stdout=1", "attach?stream=1&stdout=1&logs=1"].flatMap(
      (path) =>
        Array.from({ length: 3 }, () =>
          deafClient(path.startsWith("logs") ? "GET" : "POST", `/containers/flood/${path}`),
        ),
    );
    for (let tries = 0; tries < 20; tries++) {
      const started = performance.now();
      await daemon.api("GET", "/containers/json");
      expect(performance.now() - started).toBeLessThan(3000);
    }
    const folder = `${daemon.dataRoot}/containers/${id}`;
    const logs = readdirSync(folder).filter((name) => name.includes("-json.log"));
    expect(logs.length).toBeLessThanOrEqual(2);
    for (const name of logs) expect(Bun.file(`${folder}/${name}`).size).toBeLessThan(2 << 20);
    expect((await docker("stop", "-t", "0", "flood")).code).toBe(0);
    for (const socket of deaf) socket.destroy();
    await ok("rm", "-f", "flood");
  });
});

/** A client that asks and then never reads. */
function deafClient(method: string, path: string): Socket {
  const socket = connect(daemon.socket, () => socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`));
  socket.pause();
  socket.on("error", () => undefined);
  return socket;
}

describe("parts of the engine are killed", () => {
  test("the monitor: the container ends, is seen to have, and nothing stays", async () => {
    const id = await ok("run", "-d", "--name=orphan", "-p", "80", "busybox", "sleep", "600");
    const pid = await pidOf("orphan");
    process.kill(parentOf(pid), "SIGKILL");
    await until("it is exited", async () => (await state("orphan")).startsWith("exited"));
    expect(await state("orphan")).toBe("exited 137");
    await until("its process is gone", () => !existsSync(`/proc/${pid}`));
    expect(traces(id)).toEqual([]);
    await until("its port is gone from the bridge", () => ports().length === 0);
    await ok("start", "orphan");
    await ok("rm", "-f", "orphan");
  });

  test("the monitor of an exec: the exec ends, the container goes on", async () => {
    await ok("run", "-d", "--name=host-of-exec", "busybox", "sleep", "600");
    const { body } = await daemon.api<{ Id: string }>("POST", "/containers/host-of-exec/exec", {
      Cmd: ["sleep", "601"],
    });
    expect((await daemon.api("POST", `/exec/${body.Id}/start`, { Detach: true })).status).toBe(200);
    const exec = async () =>
      (await daemon.api<{ Running: boolean; Pid: number; ExitCode: number }>("GET", `/exec/${body.Id}/json`)).body;
    process.kill(parentOf((await exec()).Pid), "SIGKILL");
    await until("the exec is over", async () => !(await exec()).Running);
    expect(await state("host-of-exec")).toBe("running 0");
    await ok("rm", "-f", "host-of-exec");
  });

  test("the executor: containers go on, and the next request is served", async () => {
    await ok("run", "-d", "--name=bystander", "busybox", "sleep", "600");
    for (let times = 0; times < 3; times++) {
      process.kill(executorPid(), "SIGKILL");
      const results = await Promise.all([
        docker("run", "--rm", "busybox", "true"),
        docker("exec", "bystander", "true"),
      ]);
      for (const { code } of results) expect([0, 125, 126, 128, 1]).toContain(code);
      await until("the executor is back", async () => (await docker("run", "--rm", "busybox", "true")).code === 0);
    }
    expect(await state("bystander")).toBe("running 0");
    await ok("rm", "-f", "bystander");
  });

  test("the container's first process, by the host: it is exited with the signal's code", async () => {
    await ok("run", "-d", "--name=shot", "busybox", "sleep", "600");
    process.kill(await pidOf("shot"), "SIGKILL");
    expect(await ok("wait", "shot")).toBe("137");
    await ok("rm", "shot");
  });
});

function parentOf(pid: number): number {
  return Number(/PPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

function executorPid(): number {
  const children = readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, "utf8").split(" ").filter(Boolean);
  const found = children.find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("tug-exec"));
  return Number(found ?? Number.NaN);
}

test("a privileged container that makes cgroups and mounts leaves none behind", async () => {
  const script = [
    "for c in /sys/fs/cgroup/memory /sys/fs/cgroup/pids /sys/fs/cgroup; do mkdir -p $c/a/b/c 2>/dev/null && echo $$ > $c/a/b/c/cgroup.procs; done",
    "mkdir -p /m && mount -t tmpfs none /m && mount --make-shared /m && mount --bind /m /mnt",
    "setsid sleep 600 & exit 0",
  ].join("; ");
  const id = await ok("run", "-d", "--privileged", "busybox", "sh", "-c", script);
  await ok("wait", id);
  await ok("rm", id);
  await until("its cgroups are gone", () => traces(id).length === 0);
});

test("after all that the daemon holds no more descriptors, ports or processes than it should", async () => {
  expect(await ok("ps", "-aq")).toBe("");
  await until("all ports are gone from the bridge", () => ports().length === 0);
  expect(readdirSync(`${daemon.dataRoot}/containers`)).toEqual([]);
  await until("descriptors are closed", () => readdirSync(`/proc/${daemon.pid}/fd`).length < 60);
  expect(daemon.log).not.toMatch(/TypeError|RangeError|unhandled|AssertionError/i);
});
