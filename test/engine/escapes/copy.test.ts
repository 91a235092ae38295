/**
 * Copies in and out, exports and commits of containers that do all they can against whoever copies.
 *
 *     CVE-2018-15664, CVE-2024-21626   a directory is exchanged for a link while it is copied
 *     CVE-2019-14271                   what copies loads libraries of the container's
 *     CVE-2021-41089, CVE-2019-10152   names, links and hard links of an archive that lead out
 *
 * What stops them: everything happens in a process of a static program, in a mount namespace whose root is the container's, with
 * no right that it does not take; each object is opened once, over no link, and looked at before; links that procfs makes up
 * are never followed.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { type Member, tar } from "#fixtures";
import { readTar } from "#lib/tar";
import { TestDaemon } from "../_daemon.ts";
import { Canary } from "./_attack.ts";

const canary = new Canary();
let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  canary[Symbol.dispose]();
});

const ok = (...args: string[]) => daemon.ok("docker", args);

/** A container that runs a script for as long as it is there. */
async function attacker(name: string, script: string, ...flags: string[]): Promise<void> {
  await ok("run", "-d", "--net=none", `--name=${name}`, ...flags, "busybox", "sh", "-c", script);
}

async function get(path: string): Promise<{ status: number; bytes: Buffer }> {
  const response = await fetch(`http://tug${path}`, { unix: daemon.socket });
  // An archive that could not be finished is cut off.
  const bytes = await response.arrayBuffer().catch(() => new ArrayBuffer(0));
  return { status: response.status, bytes: Buffer.from(bytes) };
}

async function put(path: string, body: Uint8Array): Promise<{ status: number; text: string }> {
  const headers = { "Content-Type": "application/x-tar" };
  const response = await fetch(`http://tug${path}`, {
    unix: daemon.socket,
    method: "PUT",
    body: Buffer.from(body),
    headers,
  });
  return { status: response.status, text: await response.text() };
}

async function namesIn(bytes: Uint8Array): Promise<string[]> {
  const names: string[] = [];
  const source = (async function* () {
    yield bytes;
  })();
  for await (const { entry } of readTar(source)) names.push(entry.name);
  return names;
}

describe("a container that changes meanwhile", () => {
  /** Directories and links at one place, as quickly as a shell can. */
  const SWAP = [
    `mkdir -p ${canary.path} /real /p; echo inside > /real/file; mkdir /real/folder`,
    `ln -s ${canary.path} /abs; ln -s ${canary.climbing} /climb; ln -s /proc/1/root${canary.path} /magic`,
    "while :; do for l in /abs /climb /magic; do ln -sfn $l /p/x 2>/dev/null; rm -f /p/x; mv /real /p/x; mv /p/x /real; done; done",
  ].join("\n");

  test("is never read beyond its root", async () => {
    await attacker("swaps-out", SWAP);
    for (let round = 0; round < 60; round++) {
      const { status, bytes } = await get(`/containers/swaps-out/archive?path=/p/x${round % 2 ? "/file" : "/"}`);
      expect([200, 400, 404]).toContain(status);
      expect(bytes.includes(canary.secret)).toBe(false);
    }
    const exported = await get("/containers/swaps-out/export");
    expect(exported.bytes.includes(canary.secret)).toBe(false);
    await ok("rm", "-f", "swaps-out");
  });

  test("is never written to beyond its root", async () => {
    await attacker("swaps-in", SWAP);
    const archive = tar([
      { name: "file", data: "evil" },
      { name: "folder/evil", data: "evil" },
      { name: "hard", type: "hardlink", target: "file" },
    ]);
    for (let round = 0; round < 60; round++)
      expect([200, 400, 404, 409]).toContain((await put("/containers/swaps-in/archive?path=/p/x/", archive)).status);
    expect(canary.changes()).toBe("");
    await ok("rm", "-f", "swaps-in");
  });

  test("is exported while its directories move", async () => {
    const script = [
      "mkdir -p /a/b/c /z; for i in $(seq 200); do echo $i > /a/b/c/$i; done; echo ready",
      "while :; do mv /a/b /z/b; mv /z/b/c /a/c; rm -rf /a/d; mv /a/c /a/d; mkdir -p /z/b/c; cp -r /a/d/. /z/b/c; mv /z/b /a/b; done",
    ].join("\n");
    await attacker("moves", script);
    for (let round = 0; round < 20; round++) {
      const { status, bytes } = await get("/containers/moves/export");
      expect(status).toBe(200);
      expect((await namesIn(bytes)).length).toBeGreaterThan(100);
    }
    expect((await daemon.api("GET", "/containers/moves/changes")).status).toBe(200);
    expect((await daemon.api("POST", "/commit?container=moves")).status).toBe(201);
    expect(await ok("inspect", "-f", "{{.State.Paused}}", "moves")).toBe("false");
    await ok("rm", "-f", "moves");
  });
});

describe("links that procfs makes up", () => {
  test("lead nowhere, though the host's procfs is in the container", async () => {
    const pid = process.pid;
    const script = [
      `ln -s /host/1/root${canary.path} /out; ln -s /host/${pid}/cwd /cwd; ln -s /host/self/root${canary.path} /self`,
      "exec sleep 1000",
    ].join("\n");
    await attacker("proc", script, "-v", "/proc:/host");
    for (const path of [
      "/out/file",
      "/out/",
      "/cwd/",
      "/self/file",
      `/host/1/root${canary.path}/file`,
      "/host/1/root/",
    ]) {
      const { status, bytes } = await get(`/containers/proc/archive?path=${encodeURIComponent(path)}`);
      expect(status < 400 || status >= 500 ? `${path}: ${status}` : "").toBe("");
      expect(bytes.includes(canary.secret)).toBe(false);
    }
    for (const path of ["/out", "/self/", `/host/1/root${canary.path}`])
      expect((await put(`/containers/proc/archive?path=${path}`, tar([{ name: "evil", data: "x" }]))).status).not.toBe(
        200,
      );
    await put("/containers/proc/archive?path=/", tar([{ name: "out/evil", data: "x" }]));
    expect(canary.changes()).toBe("");
    await ok("rm", "-f", "proc");
  });
});

describe("an archive that wants out", () => {
  const file = (name: string, more: Partial<Member> = {}): Member => ({ name, data: "evil", ...more });
  const link = (name: string, target: string): Member => ({ name, type: "symlink", target });
  const ARCHIVES: readonly (readonly [string, readonly Member[]])[] = [
    ["by an absolute name", [file(`${canary.path}/evil`)]],
    ["by a climbing name", [file(`${canary.climbing}/evil`)]],
    ["by a link and a name through it", [link("l", canary.path), file("l/evil")]],
    ["by a climbing link", [link("l", canary.climbing), file("l/file")]],
    [
      "by links one after the other",
      [link("a", ".."), link("b", "a/.."), link("c", "b/.."), file(`c${canary.path}/evil`)],
    ],
    ["by a hard link", [{ name: "h", type: "hardlink", target: `${canary.path}/file` }, file("h")]],
    [
      "by a hard link through a link",
      [link("l", canary.path), { name: "h", type: "hardlink", target: "l/file" }, file("h")],
    ],
    [
      "by a link that replaces a directory",
      [{ name: "d/", type: "directory" }, link("d", canary.path), file("d/evil")],
    ],
    [
      "by a directory over a link",
      [link("d", canary.path), { name: "d/", type: "directory", mode: 0o777 }, file("d/evil")],
    ],
  ];

  test.each(ARCHIVES)("%s stays in the container", async (_, members) => {
    for (const state of ["running", "created"]) {
      await ok(
        state === "running" ? "run" : "create",
        ...(state === "running" ? ["-d"] : []),
        "--net=none",
        "--name=target",
        "busybox",
        "sleep",
        "1000",
      );
      const { status } = await put("/containers/target/archive?path=/tmp", tar(members));
      expect([200, 400, 404]).toContain(status);
      const outside = (await daemon.api<{ Path: string }[] | null>("GET", "/containers/target/changes")).body ?? [];
      expect(outside.filter(({ Path }) => !Path.startsWith("/tmp"))).toEqual([]);
      await ok("rm", "-f", "target");
    }
    expect(canary.changes()).toBe("");
  });

  test("cannot have what it makes opened: devices and fifos are copied as such", async () => {
    await ok("create", "--net=none", "--name=nodes", "busybox");
    const members: Member[] = [
      { name: "null", type: "char", device: { major: 1, minor: 3 } },
      { name: "endless", type: "char", device: { major: 1, minor: 5 } },
      { name: "disk", type: "block", device: { major: 254, minor: 0 } },
      { name: "fifo", type: "fifo" },
    ];
    expect((await put("/containers/nodes/archive?path=/tmp", tar(members))).status).toBe(200);
    const { bytes } = await get("/containers/nodes/archive?path=/tmp");
    expect(await namesIn(bytes)).toEqual(["tmp/", "tmp/disk", "tmp/endless", "tmp/fifo", "tmp/null"]);
    expect(bytes.length).toBeLessThan(10_000);
    expect((await get("/containers/nodes/export")).status).toBe(200);
    await ok("rm", "nodes");
  });

  test("fills no more than there is, and no memory", async () => {
    const small = mkdtempSync("/var/tmp/tug-small-");
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", small]);
    try {
      await ok("create", "--net=none", "--name=bomb", "-v", `${small}:/v`, "busybox");
      const zeros = Buffer.alloc(1 << 20);
      const bomb = Bun.gzipSync(Buffer.from(tar([{ name: "zeros", data: Buffer.concat(Array(200).fill(zeros)) }])));
      const before = residentBytes(daemon.pid);
      const answer = await put("/containers/bomb/archive?path=/v", bomb);
      expect([answer.status, answer.text]).toEqual([
        expect.any(Number),
        expect.stringContaining("no space left on device"),
      ]);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(residentBytes(daemon.pid) - before).toBeLessThan(150 << 20);
      await ok("rm", "bomb");
    } finally {
      execFileSync("umount", [small]);
      rmSync(small, { recursive: true });
    }
  });
});

describe("whoever does the copying", () => {
  test("loads nothing, sees nothing but the container, has few rights, and goes when nobody reads", async () => {
    await ok("create", "--net=none", "--name=large", "busybox");
    const large = Array.from({ length: 64 }, (_, i): Member => ({ name: `f${i}`, data: Buffer.alloc(1 << 20, "x") }));
    expect((await put("/containers/large/archive?path=/tmp", tar(large))).status).toBe(200);
    const client = await slowly("GET /containers/large/archive?path=/tmp HTTP/1.1");
    const pid = await planOf(daemon.pid, READING);
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    expect(/CapEff:\s+(\w+)/.exec(status)?.[1]).toBe(READING);
    const mapped = readFileSync(`/proc/${pid}/maps`, "utf8")
      .split("\n")
      .map((line) => line.slice(73).trim());
    expect(mapped.filter((path) => path.startsWith("/") && !path.startsWith("/memfd:tug-exec"))).toEqual([]);
    expect(readdirSync(`/proc/${pid}/root/tmp`)).toContain("f63");
    expect(readFileSync(`/proc/${pid}/mountinfo`, "utf8").trim().split("\n")).toHaveLength(1);
    expect(readlinkSync(`/proc/${pid}/ns/mnt`)).not.toBe(readlinkSync("/proc/self/ns/mnt"));
    client.destroy();
    await gone(pid);
    await ok("rm", "large");
  });

  test("a reader who does not read keeps nobody from starting, removing or writing", async () => {
    await ok("create", "--net=none", "--name=held", "busybox", "sleep", "1000");
    const large = Array.from({ length: 32 }, (_, i): Member => ({ name: `f${i}`, data: Buffer.alloc(1 << 20, "x") }));
    await put("/containers/held/archive?path=/tmp", tar(large));
    const client = await slowly("GET /containers/held/export HTTP/1.1");
    const pid = await planOf(daemon.pid, READING);
    expect((await put("/containers/held/archive?path=/tmp", tar([{ name: "more", data: "x" }]))).status).toBe(200);
    await ok("start", "held");
    expect(await ok("exec", "held", "cat", "/tmp/more")).toBe("x");
    await ok("rm", "-f", "held");
    client.destroy();
    await gone(pid);
  });

  test("a writer who stops half-way leaves nothing behind but what he wrote, and a start waits no longer", async () => {
    await ok("create", "--net=none", "--name=half", "busybox", "cat", "/tmp/whole");
    const archive = tar([
      { name: "whole", data: "whole\n" },
      { name: "half", data: Buffer.alloc(1 << 20) },
    ]);
    const client = await slowly(
      `PUT /containers/half/archive?path=/tmp HTTP/1.1\r\nContent-Type: application/x-tar\r\nContent-Length: ${archive.length}`,
      archive.subarray(0, 800_000),
    );
    const pid = await planOf(daemon.pid, WRITING);
    const starting = ok("start", "-a", "half");
    client.destroy();
    expect(await starting).toBe("whole");
    await gone(pid);
    await ok("rm", "half");
  });

  test("leaves no mount and no socket", async () => {
    const mounts = readFileSync(`/proc/${executorOf(daemon.pid)}/mountinfo`, "utf8");
    expect(mounts.split("\n").filter((line) => /\/(look|snapshots)\b/.test(line.split(" ")[4] ?? ""))).toEqual([]);
    expect(readdirSync(join(daemon.execRoot, "sockets"))).toEqual([]);
  });
});

/** A request whose answer is not read beyond its first bytes. */
async function slowly(head: string, body: Uint8Array = new Uint8Array(0)): Promise<Socket> {
  const socket = connect({ path: daemon.socket });
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.pause();
  socket.write(Buffer.concat([Buffer.from(`${head}\r\nHost: tug\r\n\r\n`), body]));
  return socket;
}

/** The rights of who reads: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH; and of who writes. */
const [READING, WRITING] = ["0000000000000006", "000000008800001f"];

/** The process in which the executor runs a plan that takes long: it has just these rights left. */
async function planOf(daemonPid: number, rights: string): Promise<number> {
  for (;;) {
    const plans = childrenOf(executorOf(daemonPid));
    const found = plans.find((pid) => new RegExp(`CapBnd:\\s+${rights}`).test(statusOf(pid)));
    if (found !== undefined) return found;
    await Bun.sleep(5);
  }
}

function executorOf(daemonPid: number): number {
  const found = childrenOf(daemonPid).find((pid) => commandOf(pid).startsWith("tug-exec"));
  if (found === undefined) throw new Error("the daemon has no executor");
  return found;
}

function childrenOf(pid: number): number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

function commandOf(pid: number): string {
  return textOf(`/proc/${pid}/comm`).trim();
}

function statusOf(pid: number): string {
  return textOf(`/proc/${pid}/status`);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(statusOf(pid))?.[1] ?? 0) * 1024;
}

async function gone(pid: number): Promise<void> {
  while (statusOf(pid) !== "" && !/State:\s+Z/.test(statusOf(pid))) await Bun.sleep(5);
}
