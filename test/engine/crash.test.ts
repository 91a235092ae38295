/** kill -9 of the daemon: what was acknowledged is still true when it comes back. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { TestDaemon } from "./_daemon.ts";

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const ok = (...args: string[]) => daemon.ok("docker", args);

async function crash(): Promise<void> {
  await daemon.crash();
  await daemon.up();
}

async function until(probe: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await probe()) return;
    await Bun.sleep(25);
  }
  throw new Error(`it never came true\n${daemon.log.slice(-3000)}`);
}

test("a running container goes on, keeps its address and can be entered and stopped", async () => {
  await ok(
    "run",
    "-d",
    "--name",
    "survivor",
    "-p",
    "80",
    "busybox",
    "sh",
    "-c",
    "trap 'exit 5' TERM; while :; do sleep 0.1; done",
  );
  const inspect = "{{.State.Pid}} {{.State.StartedAt}} {{.NetworkSettings.IPAddress}} {{.NetworkSettings.Ports}}";
  const before = await ok("inspect", "-f", inspect, "survivor");
  await crash();
  expect(await ok("inspect", "-f", inspect, "survivor")).toBe(before);
  expect(await ok("exec", "survivor", "echo", "here")).toBe("here");
  await ok("stop", "survivor");
  expect(await ok("wait", "survivor")).toBe("5");
  await ok("rm", "survivor");
});

test("an exit code that came while the daemon was away is known afterwards", async () => {
  await ok("run", "-d", "--name", "away", "busybox", "sh", "-c", "sleep 0.3; exit 33");
  await daemon.crash();
  await Bun.sleep(600);
  await daemon.up();
  expect(await ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "away")).toBe("exited 33");
  await ok("rm", "away");
});

test("no log line is lost or doubled over five crashes", async () => {
  const count = 400;
  await ok(
    "run",
    "-d",
    "--name",
    "counting",
    "busybox",
    "sh",
    "-c",
    `i=0; while [ $i -lt ${count} ]; do echo $i; i=$((i+1)); usleep 5000; done`,
  );
  for (let times = 0; times < 5; times++) {
    await Bun.sleep(100);
    await crash();
  }
  await ok("wait", "counting");
  const lines = (await ok("logs", "counting")).split("\n");
  expect(lines).toEqual(Array.from({ length: count }, (_, index) => String(index)));
  await ok("rm", "counting");
});

test("restart policies go on", async () => {
  await ok("run", "-d", "--name", "always", "--restart", "always", "busybox", "sleep", "600");
  const pid = Number(await ok("inspect", "-f", "{{.State.Pid}}", "always"));
  await daemon.crash();
  process.kill(pid, "SIGKILL");
  await Bun.sleep(100);
  await daemon.up();
  await until(async () => {
    const now = await ok("inspect", "-f", "{{.State.Status}} {{.State.Pid}}", "always");
    return now.startsWith("running") && now !== `running ${pid}`;
  });
  await ok("rm", "-f", "always");
});

test("--rm is kept even when the container ended while the daemon was away", async () => {
  await ok("run", "-d", "--rm", "--name", "brief", "busybox", "sleep", "0.3");
  await daemon.crash();
  await Bun.sleep(600);
  await daemon.up();
  await until(async () => (await daemon.cli("docker", ["inspect", "brief"])).code === 1);
});

test("a created container is still there, and names stay taken", async () => {
  await ok("create", "--name", "made", "busybox");
  await crash();
  expect(await ok("inspect", "-f", "{{.State.Status}}", "made")).toBe("created");
  expect((await daemon.cli("docker", ["create", "--name", "made", "busybox"])).stderr).toContain(
    "is already in use by container",
  );
  await ok("rm", "made");
});

test("the event history survives", async () => {
  const since = (Date.now() / 1000).toFixed(3);
  await ok("create", "--name", "noted", "busybox");
  await crash();
  const events = await ok(
    "events",
    "--since",
    since,
    "--until",
    (Date.now() / 1000).toFixed(3),
    "--filter",
    "event=create",
    "--format",
    "{{.Actor.Attributes.name}}",
  );
  expect(events).toBe("noted");
  await ok("rm", "noted");
});
