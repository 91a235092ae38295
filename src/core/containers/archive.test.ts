import { describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineError } from "#lib/errors";
import { byteString, bytesOf } from "#lib/fs";
import { type TarHeader, tarArchive } from "#lib/tar";
import { resolved, treeEntry } from "./_fake-machine.ts";
import { FakeEngine } from "./_fakes.ts";
import { absolute } from "./archive.ts";

describe("absolute()", () => {
  test.each([
    ["/a/b", "/a/b"],
    ["a/b", "/a/b"],
    ["../../a", "/a"],
    ["/a/../../b/", "/b/"],
    ["/a/.", "/a/."],
    ["/a/./", "/a/."],
    [".", "/."],
    ["/", "/"],
    ["//", "/"],
    ["/.", "/."],
    ["/a/..", "/"],
  ])("makes of %p %p", (path, expected) => {
    expect(absolute(path)).toBe(expected);
  });
});

type Member = Omit<TarHeader, "name" | "mode"> & { name: string; mode?: number; content?: string };

const archive = (...members: Member[]) =>
  (async function* () {
    yield tarArchive(members.map((member) => ({ mode: 0o644, ...member, name: byteString(member.name) })));
  })();

const putting = { chownToUser: false, keepKinds: false };

/** What is said in the order in which it was sent: targets of ops, and content. */
function told(engine: FakeEngine): string[] {
  return engine.executor.sent.map((part) =>
    part instanceof Uint8Array ? Buffer.from(part).toString() : `${part.op} ${Buffer.from(part.target)}`,
  );
}

test("putArchive() sends objects, then the times of directories", async () => {
  await using engine = new FakeEngine();
  await engine.create("web");
  const tar = archive(
    { type: "directory", name: "./" },
    { type: "directory", name: "d/", modified: { seconds: -3, nanoseconds: 7 } },
    { type: "file", name: "d/f", content: "content", uid: 5, gid: 6, mode: 0o4755 },
    { type: "link", name: "d/l", linkName: byteString("/d/f") },
    { type: "character", name: "/c", deviceMajor: 1, deviceMinor: 0x123 },
  );
  await engine.containers.putArchive("web", "/srv", { ...putting, tar });
  expect(told(engine)).toEqual(["place d", "place d/f", "content", "place-link d/l", "place c", "place-time d"]);
  const [, file, , link, device, time] = engine.executor.sent;
  expect(file).toMatchObject({ mode: 0o104755, uid: 5, gid: 6, size: 7n });
  expect(link).toMatchObject({ linkTo: bytesOf(byteString("d/f")) });
  expect(device).toMatchObject({ mode: 0o020644, device: 0x100123 });
  expect(time).toMatchObject({ seconds: -3n, nanoseconds: 7 });
  expect(engine.actions.at(-1)).toBe("extract-to-dir");
});

test.each([["../x"], ["a/../../x"], [".."], ["/../x"]])("putArchive() refuses the name %p", async (name) => {
  await using engine = new FakeEngine();
  await engine.create("web");
  const tar = archive({ type: "file", name });
  if (name.startsWith("/")) {
    // Above the root there is nothing.
    await engine.containers.putArchive("web", "/srv", { ...putting, tar });
    expect(told(engine)).toEqual(["place x"]);
    return;
  }
  const refused = engine.containers.putArchive("web", "/srv", { ...putting, tar });
  await expect(refused).rejects.toThrow(`invalid entry name "${name}"`);
});

test("putArchive() says what an executor's error means", async () => {
  await using engine = new FakeEngine();
  await engine.create("web");
  const failing = (errno: number, section: string) => {
    engine.executor.send = async () => {
      throw new EngineError("internal", 'cannot overwrite directory "d" with non-directory', {
        data: { errno, section, op: section === "stream" ? 0 : 99 },
      });
    };
    return engine.containers.putArchive("web", "/srv", { ...putting, tar: archive() });
  };
  await expect(failing(21, "stream")).rejects.toThrow('cannot overwrite directory "d" with non-directory "/srv"');
  await expect(failing(2, "stream")).rejects.toThrow("Could not find the file /srv in container web");
  await expect(failing(2, "host")).rejects.toMatchObject({ kind: "not-found" });
});

test("what fails while files are opened is not blamed on the path", async () => {
  await using engine = new FakeEngine();
  await engine.create("web");
  engine.executor.run = async () => {
    throw new EngineError("not-found", "bind: no such file", { data: { errno: 2, section: "host", op: 0 } });
  };
  const id = engine.containers.get("web").id;
  await expect(engine.containers.statPath("web", "/x")).rejects.toMatchObject({
    kind: "internal",
    message: `open the files of container ${id}: bind: no such file`,
  });
});

test("putArchive() refuses what is no directory, and what is read-only", async () => {
  await using engine = new FakeEngine();
  const source = mkdtempSync(join(tmpdir(), "tug-archive-"));
  chmodSync(source, 0o755);
  await engine.create("web", { hostConfig: { ReadonlyRootfs: true, Binds: [`${source}:/ro:ro`, `${source}:/rw`] } });
  const put = (path: string) => engine.containers.putArchive("web", path, { ...putting, tar: archive() });
  await expect(put("/srv")).rejects.toThrow("container rootfs is marked read-only");
  await expect(put("/ro/deep")).rejects.toThrow("mounted volume is marked read-only");
  await put("/rw");
  await expect(put("/rwx")).rejects.toThrow("container rootfs is marked read-only");
  engine.executor.resolve = (path) =>
    path === "/link" ? resolved({ mode: 0o120777, end: "/ro" }) : resolved({ mode: 0o040755, end: path });
  await expect(put("/link")).rejects.toThrow("mounted volume is marked read-only");
  engine.executor.resolve = () => resolved({ mode: 0o100644, end: "/rw/file" });
  await expect(put("/rw/file")).rejects.toThrow("extraction point is not a directory");
  rmSync(source, { recursive: true });
});

test("putArchive() gives all to the container's user where that was asked for", async () => {
  await using engine = new FakeEngine();
  await engine.create("web", { config: { User: "12:34" } });
  const tar = archive({ type: "file", name: "f", uid: 5 });
  await engine.containers.putArchive("web", "/srv", { ...putting, chownToUser: true, tar });
  expect(engine.executor.sent[0]).toMatchObject({ uid: 12, gid: 34 });
});

test("writers of a container that does not run take turns, and a start waits for them", async () => {
  await using engine = new FakeEngine();
  await engine.create("web");
  const client = Promise.withResolvers<void>();
  const slow = (async function* () {
    await client.promise;
    yield* archive({ type: "file", name: "first" });
  })();
  const first = engine.containers.putArchive("web", "/srv", { ...putting, tar: slow });
  await engine.until(() => engine.executor.plans.some((plan) => plan.at(-1)?.op === "receive"));
  const second = engine.containers.putArchive("web", "/srv", {
    ...putting,
    tar: archive({ type: "file", name: "second" }),
  });
  // Looking disturbs nobody, and waits for nobody.
  await engine.containers.statPath("web", "/");
  const start = engine.containers.start("web");
  expect(engine.executor.monitors).toEqual([]);
  client.resolve();
  await Promise.all([first, second, start]);
  expect(told(engine)).toEqual(["place first", "place second"]);
  expect(engine.status("web")).toBe("running");
});

test("a running container is written to through its own root", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  await engine.containers.putArchive("web", "/srv", { ...putting, tar: archive() });
  const plan = engine.executor.plans.at(-1)!;
  expect(plan.find(({ op }) => op === "mount-root-of")).toMatchObject({ pid: 4711 });
  expect(plan.map(({ op }) => op)).not.toContain("mount-overlay");
});

test("a container that ends meanwhile is looked at as one that does not run", async () => {
  await using engine = new FakeEngine();
  const monitor = await engine.run("web");
  const { run } = engine.executor;
  let plans = 0;
  engine.executor.run = async (plan) => {
    if (!plan.some(({ op }) => op === "mount-root-of")) return await run.call(engine.executor, plan);
    plans++;
    monitor.exit(0);
    await engine.until(() => engine.status("web") === "exited");
    throw new EngineError("not-found", "process 4711 has ended", { data: { errno: 3, section: "host", op: 1 } });
  };
  expect(await engine.containers.statPath("web", "/x")).toMatchObject({ name: "x", mode: 0o040755 });
  expect(plans).toBe(1);
});

test("getArchive() names all after the last part of the path", async () => {
  await using engine = new FakeEngine();
  await engine.create("web");
  const named = async (path: string) => {
    engine.executor.tree = [treeEntry("", { mode: 0o040755 }), treeEntry("f", { text: "x" })];
    const { stat, tar } = await engine.containers.getArchive("web", path, {});
    const pieces: Uint8Array[] = [];
    for await (const piece of tar) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    const name = (at: number) => bytes.toString("utf8", at, bytes.indexOf(0, at));
    return [stat.name, name(0), name(512)];
  };
  expect(await named("/a/b")).toEqual(["b", "b/", "b/f"]);
  expect(await named("/a/b/")).toEqual(["b", "b/", "b/f"]);
  expect(await named("/a/b/.")).toEqual([".", "./", "./f"]);
  expect(await named("/")).toEqual(["/", "/", "/f"]);
  expect(engine.actions.at(-1)).toBe("archive-path");
});

test("the engine's own files in /etc are seen where they are", async () => {
  await using engine = new FakeEngine();
  await engine.run("web");
  const { hosts } = engine.layout.files(engine.containers.get("web").id);
  writeFileSync(hosts, "");
  await engine.containers.statPath("web", "/etc/hosts");
  const binds = engine.executor.plans.at(-1)!.filter((op) => op.op === "bind");
  expect(binds).toContainEqual(expect.objectContaining({ source: hosts, target: "/etc/hosts", create: "file" }));
});
