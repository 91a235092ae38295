import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { EngineError } from "#lib/errors";
import { FakeEngine } from "./_fakes.ts";

const GONE = { force: false, volumes: false, link: false };

test("create() makes data and record, and says so", async () => {
  await using engine = new FakeEngine();
  const id = await engine.create("web");
  expect(engine.containers.get("/web")).toMatchObject({ id, name: "web", path: "sh", state: { status: "created" } });
  expect(engine.snapshots.has(id)).toBe(true);
  expect(existsSync(engine.layout.container(id as never))).toBe(true);
  expect(engine.actions).toEqual(["create"]);
  expect(engine.events[0]?.attributes).toEqual({ from: "image", image: "busybox", name: "web" });
});

test("create() refuses a name in use, also while that one is still being created", async () => {
  await using engine = new FakeEngine();
  const attempts = await Promise.allSettled([engine.create("web"), engine.create("web")]);
  expect(attempts.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  const id = engine.containers.get("web").id;
  await expect(engine.create("web")).rejects.toThrow(
    `Conflict. The container name "/web" is already in use by container "${id}". ` +
      "You have to remove (or rename) that container to be able to reuse that name.",
  );
});

test("create() leaves nothing behind when it fails", async () => {
  await using engine = new FakeEngine();
  const hostConfig = { Mounts: [{ Type: "bind" as const, Source: "/nonexistent/tug", Target: "/x" }] };
  await expect(engine.create("web", { hostConfig })).rejects.toThrow(
    "bind source path does not exist: /nonexistent/tug",
  );
  expect(engine.snapshots.size).toBe(0);
  expect(await engine.create("web")).toBeString();
});

test("start() runs the program and releases everything when it ends", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web");
  const { id, state, endpoint } = engine.containers.get("web");
  expect(state).toMatchObject({ status: "running", pid: 4711 });
  expect(endpoint?.address).toBe("172.17.0.2");
  monitor.exit(3);
  await engine.settle();
  expect(engine.containers.get("web").state).toMatchObject({ status: "exited", exitCode: 3 });
  expect(engine.containers.get("web").endpoint).toBeUndefined();
  expect(engine.endpoints.size).toBe(0);
  expect(existsSync(engine.layout.task(id).path)).toBe(false);
  expect(engine.actions).toEqual(["create", "network connect", "start", "network disconnect", "die"]);
});

test("start() of a running container is not modified", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  await expect(engine.containers.start("web")).rejects.toMatchObject({ kind: "not-modified" });
});

test("start() waits for a start that is under way, and is then not modified", async () => {
  await using engine = new FakeEngine();
  engine.executor.onStart = () => undefined;
  await engine.create("web");
  const first = engine.containers.start("web");
  const second = engine.containers.start("web").catch((error: unknown) => error);
  while (engine.executor.monitors.length === 0) await new Promise(setImmediate);
  engine.executor.last.run();
  await first;
  expect(await second).toMatchObject({ kind: "not-modified" });
  expect(engine.executor.monitors).toHaveLength(1);
});

test("start() that cannot find the program: 127, the words clients look for, and no trace", async () => {
  await using engine = new FakeEngine();
  engine.executor.onStart = (monitor) =>
    monitor.fail(
      new EngineError("not-found", 'exec: "foo": executable file not found in $PATH', { data: { errno: 2 } }),
    );
  const id = await engine.create("web");
  const waiting = await engine.containers.wait("web", "next-exit");
  await expect(engine.containers.start("web")).rejects.toMatchObject({
    kind: "invalid-parameter",
    message: 'failed to start container "web": exec: "foo": executable file not found in $PATH',
  });
  expect(engine.containers.get("web").state).toMatchObject({ status: "created", exitCode: 127 });
  expect(await waiting.outcome).toMatchObject({ statusCode: 127 });
  expect(engine.endpoints.size).toBe(0);
  expect(existsSync(engine.layout.task(id as never).path)).toBe(false);
});

test("a failed start with auto-remove removes the container", async () => {
  await using engine = new FakeEngine();
  engine.executor.onStart = (monitor) => monitor.fail(new EngineError("internal", "permission denied"));
  await engine.create("web", { hostConfig: { AutoRemove: true } });
  await expect(engine.containers.start("web")).rejects.toThrow("permission denied");
  expect(() => engine.containers.get("web")).toThrow("No such container: web");
  expect(engine.snapshots.size).toBe(0);
});

test("stop() asks, waits, kills, and the events come in Docker's order", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web");
  const stopping = engine.containers.stop("web", { signal: "", timeoutSeconds: 5 });
  while (engine.clock.nextMs === undefined) await new Promise(setImmediate);
  expect(monitor.signals).toEqual([15]);
  engine.clock.advance(5000);
  await stopping;
  expect(monitor.signals).toEqual([15, 9]);
  expect(engine.status("web")).toBe("exited");
  expect(engine.actions.slice(3)).toEqual(["kill", "kill", "network disconnect", "stop", "die"]);
  await expect(engine.containers.stop("web", { signal: "" })).rejects.toMatchObject({ kind: "not-modified" });
});

test("kill() of a stopped container, and with a signal that does not exist", async () => {
  await using engine = new FakeEngine();
  const id = await engine.create("web");
  await expect(engine.containers.kill("web", "")).rejects.toThrow(
    `cannot kill container: web: container ${id} is not running`,
  );
  await expect(engine.containers.kill("web", "FOO")).rejects.toThrow("cannot kill container: web: invalid signal: FOO");
});

test("remove() refuses a running container and ends it by force", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  const options = { force: false, volumes: false, link: false };
  await expect(engine.containers.remove("web", options)).rejects.toThrow(
    'cannot remove container "web": container is running: stop the container before removing or force remove',
  );
  const gone = await engine.containers.wait("web", "removed");
  await engine.containers.remove("web", { ...options, force: true });
  expect(await gone.outcome).toEqual({ statusCode: 137 });
  expect(() => engine.containers.get("web")).toThrow("No such container: web");
  expect(engine.actions.slice(-3)).toEqual(["network disconnect", "die", "destroy"]);
});

test("remove() whose data resist leaves a dead container that can be removed again", async () => {
  await using engine = new FakeEngine();
  const id = await engine.create("web");
  engine.snapshotError = new Error("device busy");
  const options = { force: false, volumes: false, link: false };
  await expect(engine.containers.remove("web", options)).rejects.toThrow(
    `unable to remove filesystem for ${id}: device busy`,
  );
  expect(engine.status("web")).toBe("dead");
  engine.snapshotError = undefined;
  await engine.containers.remove("web", options);
  expect(engine.snapshots.size).toBe(0);
});

test("an ended container with auto-remove goes, and the waiter learns its exit code", async () => {
  await using engine = new FakeEngine();
  await engine.create("web", { hostConfig: { AutoRemove: true } });
  const gone = await engine.containers.wait("web", "removed");
  await engine.containers.start("web");
  engine.executor.last.exit(7);
  expect(await gone.outcome).toEqual({ statusCode: 7 });
  await engine.settle();
  expect(engine.actions.at(-1)).toBe("destroy");
});

test("a container's name is free as soon as it is removed or renamed", async () => {
  await using engine = new FakeEngine();
  await engine.create("web");
  await engine.containers.rename("web", "/old");
  await engine.create("web");
  expect(engine.containers.get("old").name).toBe("old");
  await expect(engine.containers.rename("old", "old")).rejects.toThrow(
    "Renaming a container with the same name as its current name",
  );
  await expect(engine.containers.rename("old", "web")).rejects.toMatchObject({ kind: "conflict" });
});

test("pause() and unpause() freeze and thaw, and refuse in Docker's words", async () => {
  await using engine = new FakeEngine();
  const id = await engine.create("web");
  await expect(engine.containers.pause("web")).rejects.toThrow(`container ${id} is not running`);
  await engine.containers.start("web");
  await expect(engine.containers.unpause("web")).rejects.toThrow(`Container ${id} is not paused`);
});

test("wait() for a stopped container answers at once, for the next exit not", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web");
  monitor.exit(4);
  await engine.settle();
  expect(await (await engine.containers.wait("web", "not-running")).outcome).toEqual({ statusCode: 4 });
  const next = await engine.containers.wait("web", "next-exit");
  let isOver = false;
  void next.outcome.then(() => {
    isOver = true;
  });
  await engine.settle();
  expect(isOver).toBe(false);
  await engine.containers.start("web");
  engine.executor.last.exit(5);
  expect(await next.outcome).toEqual({ statusCode: 5 });
});

test("references: full ID, name, unique prefix, ambiguous prefix", async () => {
  await using engine = new FakeEngine();
  const id = await engine.create("web");
  for (let count = 0; count < 16; count++) await engine.create("");
  expect(engine.containers.get(id).name).toBe("web");
  expect(engine.containers.get(id.slice(0, 8)).name).toBe("web");
  expect(() => engine.containers.get("a")).toThrow("multiple IDs found with provided prefix: a");
  expect(() => engine.containers.get("")).toThrow("No such container: ");
});

test("the end of the engine lets go of running containers and execs, and records no end", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  const exec = await engine.containers.createExec("web", {
    command: ["sleep"],
    env: [],
    user: "",
    workingDir: "",
    privileged: false,
    tty: false,
    attachStdin: false,
    attachStdout: false,
    attachStderr: false,
    detachKeys: "",
  });
  await (await engine.containers.startExec(exec, { detach: true, tty: false })).stdio;
  await engine.containers[Symbol.asyncDispose]();
  await engine.settle();
  expect(engine.status("web")).toBe("running");
  expect(engine.actions).not.toContain("die");
  expect(engine.failures).toEqual([]);
});

test("whoever waits for the next end of a container that is removed is told", async () => {
  await using engine = new FakeEngine();
  await engine.create("web");
  const { outcome } = await engine.containers.wait("web", "next-exit");
  await engine.containers.remove("web", GONE);
  expect(await outcome).toEqual({ statusCode: 0 });
});

test("remove() while a start is under way waits for it, and then says that it runs", async () => {
  await using engine = new FakeEngine();
  engine.executor.onStart = () => undefined;
  await engine.create("web");
  const starting = engine.containers.start("web");
  const removing = engine.containers.remove("web", GONE);
  removing.catch(() => undefined);
  await engine.until(() => engine.executor.monitors.length === 1);
  engine.executor.last.run();
  await starting;
  await expect(removing).rejects.toThrow("container is running: stop the container before removing");
});

test("two removals at once: one does it, the other is told that it is going on", async () => {
  await using engine = new FakeEngine();
  await engine.create("web");
  const results = await Promise.allSettled([
    engine.containers.remove("web", GONE),
    engine.containers.remove("web", GONE),
  ]);
  expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(engine.actions.filter((action) => action === "destroy")).toHaveLength(1);
});

test("rename() of a container that is being removed brings nothing back", async () => {
  await using engine = new FakeEngine();
  await engine.create("web");
  const removing = engine.containers.remove("web", GONE);
  await engine.until(() => engine.status("web") === "removing");
  await expect(engine.containers.rename("web", "other")).rejects.toMatchObject({ kind: "conflict" });
  await removing;
  engine.open();
  expect(await engine.containers.list({ all: true, limit: 0, filters: new Map() })).toEqual([]);
});

test("an end is told, and its restart comes, though cleaning up after it fails", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web", { hostConfig: { RestartPolicy: { Name: "always" } } });
  engine.releaseError = new Error("no route to the kernel");
  const { outcome } = await engine.containers.wait("web", "next-exit");
  monitor.exit(3);
  expect(await outcome).toEqual({ statusCode: 3 });
  await engine.until(() => engine.clock.nextMs !== undefined);
  expect(engine.status("web")).toBe("restarting");
  engine.releaseError = undefined;
  await engine.containers.stop("web", { signal: "" });
});
