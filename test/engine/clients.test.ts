/** Client libraries of other languages, unmodified: docker-py and dockerode. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import Docker from "dockerode";
import { TestDaemon } from "./_daemon.ts";

let daemon: TestDaemon;
let docker: Docker;
beforeAll(async () => {
  daemon = await TestDaemon.start();
  docker = new Docker({ socketPath: daemon.socket });
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

test("docker-py runs, enters, follows, saves and removes", () => {
  const result = Bun.spawnSync(["/usr/bin/python3", join(import.meta.dir, "docker_py.py")], {
    env: { ...process.env, DOCKER_HOST: daemon.host },
    stderr: "pipe",
  });
  expect(result.stderr.toString()).toContain("all as expected");
  expect(result.exitCode).toBe(0);
});

test("dockerode runs a container and gets its output", async () => {
  const { stream, text } = sink();
  const [outcome, container] = (await docker.run("busybox", ["sh", "-c", "echo hello; exit 5"], stream, {
    Tty: false,
  })) as [{ StatusCode: number }, Docker.Container];
  expect(outcome.StatusCode).toBe(5);
  expect(text()).toContain("hello");
  await container.remove();
});

test("dockerode creates, starts, inspects, execs, kills and removes", async () => {
  const container = await docker.createContainer({ Image: "busybox", Cmd: ["sleep", "600"], name: "ode" });
  await container.start();
  expect((await container.inspect()).State.Running).toBe(true);
  const exec = await container.exec({ Cmd: ["echo", "inside"], AttachStdout: true });
  const stream = await exec.start({});
  const { stream: out, text } = sink();
  docker.modem.demuxStream(stream, out, out);
  await new Promise((resolve) => stream.on("end", resolve));
  expect(text()).toBe("inside\n");
  await container.kill();
  expect((await container.wait()).StatusCode).toBe(137);
  await container.remove();
});

test("dockerode follows events", async () => {
  const events = await docker.getEvents({ filters: { type: ["container"], event: ["create"] } });
  const first = new Promise<string>((resolve) => events.once("data", (chunk: Buffer) => resolve(chunk.toString())));
  const container = await docker.createContainer({ Image: "busybox", name: "evented" });
  expect(JSON.parse(await first)).toMatchObject({ Type: "container", Action: "create", Actor: { ID: container.id } });
  (events as unknown as PassThrough).destroy();
  await container.remove();
});

function sink(): { stream: PassThrough; text: () => string } {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString() };
}
