/** `cp`, `diff`, `export` and `commit`: Docker's own command line and ours, side by side on one engine. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tar } from "#fixtures";
import { TestDaemon } from "./_daemon.ts";
import { TerminalSession } from "./_terminal.ts";

let daemon: TestDaemon;
let folder: string;
beforeAll(async () => {
  daemon = await TestDaemon.start();
});
afterAll(() => daemon?.[Symbol.asyncDispose]());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tug-copy-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAMS = ["docker", "tug"] as const;

/** What a tree holds: names, types, modes, link targets, contents, which names are one file. */
function describeTree(path: string, name = "", inodes = new Map<number, string>()): string[] {
  const info = lstatSync(path);
  const first = inodes.get(info.ino);
  if (!info.isDirectory()) inodes.set(info.ino, first ?? name);
  const content = info.isFile()
    ? readFileSync(path, "utf8").slice(0, 100)
    : info.isSymbolicLink()
      ? readlinkSync(path)
      : "";
  const time = info.isDirectory() || info.mtimeMs > Date.now() - 3_600_000 ? "" : info.mtimeMs;
  const line = `${name} ${info.mode.toString(8)} ${info.size > 4096 ? info.size : ""} ${content} ${first ?? ""} ${time}`;
  if (!info.isDirectory()) return [line];
  return [
    line,
    ...readdirSync(path)
      .sort()
      .flatMap((child) => describeTree(join(path, child), `${name}/${child}`, inodes)),
  ];
}

function furnish(path: string): void {
  mkdirSync(join(path, "src/sub"), { recursive: true });
  writeFileSync(join(path, "src/file"), "content");
  chmodSync(join(path, "src/file"), 0o4711);
  utimesSync(join(path, "src/file"), 1, 1_234_567_890);
  linkSync(join(path, "src/file"), join(path, "src/same"));
  symlinkSync("file", join(path, "src/link"));
  symlinkSync("nowhere", join(path, "src/dangling"));
  symlinkSync("sub", join(path, "src/dirlink"));
  writeFileSync(join(path, "src/sub/ä b"), "x");
  writeFileSync(join(path, "src/sparse"), "head");
  truncateSync(join(path, "src/sparse"), 5_000_000);
  writeFileSync(join(path, "plain"), "plain");
  symlinkSync("src", join(path, "tosrc"));
  symlinkSync("plain", join(path, "toplain"));
  mkdirSync(join(path, "here"));
  writeFileSync(join(path, "old"), "old");
  symlinkSync("here", join(path, "tohere"));
}

const FURNISHED = [
  "mkdir -p /w/src/sub /w/here; cd /w; echo content > src/file; chmod 4711 src/file; touch -d '2009-02-13 23:31:30' src/file",
  "ln src/file src/same; ln -s file src/link; ln -s nowhere src/dangling; ln -s sub src/dirlink; echo x > 'src/sub/ä b'",
  "echo plain > plain; echo old > old; ln -s /w/src tosrc; ln -s plain toplain; ln -s here tohere; ln -s /w/new tonew",
].join("; ");

async function fresh(name: string): Promise<void> {
  await daemon.ok("docker", ["rm", "-f", name]);
  await daemon.ok("docker", ["run", "-d", "--net=none", `--name=${name}`, "busybox", "sleep", "1000"]);
  await daemon.ok("docker", ["exec", name, "sh", "-c", FURNISHED]);
}

/** Sources and destinations of all kinds; `here` is a directory, `old` a file, `new` nothing. */
const PAIRS: readonly [source: string, target: string, ...flags: string[]][] = [
  ["src", "here"],
  ["src", "here/"],
  ["src", "new"],
  ["src", "new/"],
  ["src", "new/deeper"],
  ["src", "old"],
  ["src", "tohere"],
  ["src/", "here"],
  ["src/.", "here"],
  ["src/.", "new"],
  ["src/sub/..", "new"],
  ["plain", "here"],
  ["plain", "here/"],
  ["plain", "here/."],
  ["plain", "old"],
  ["plain", "old/"],
  ["plain", "new"],
  ["plain", "new/"],
  ["plain", "tohere"],
  ["plain/", "new"],
  ["tosrc", "here"],
  ["tosrc/", "here"],
  ["tosrc/.", "new"],
  ["tosrc", "here", "-L"],
  ["tosrc", "new", "-L"],
  ["toplain", "here"],
  ["toplain", "new"],
  ["toplain", "here", "-L"],
  ["toplain", "new", "-L"],
  ["toplain", "old", "-L"],
  ["none", "new"],
  ["src", "here", "-a"],
  ["src", "here", "-q"],
];

describe("cp", () => {
  test.each(PAIRS)("out, %s to %s %s", async (source, target, ...flags) => {
    await fresh("box");
    const results = [];
    for (const program of PROGRAMS) {
      const local = join(folder, program);
      mkdirSync(local);
      furnish(local);
      const { code, stdout } = await daemon.cli(program, ["cp", ...flags, `box:/w/${source}`, `${local}/${target}`]);
      results.push({ code, stdout, tree: describeTree(local) });
    }
    expect(results[1]).toEqual(results[0] as never);
  });

  test.each(PAIRS)("in, %s to %s %s", async (source, target, ...flags) => {
    furnish(folder);
    const results = [];
    for (const program of PROGRAMS) {
      await fresh(program);
      const { code, stdout } = await daemon.cli(program, [
        "cp",
        ...flags,
        `${folder}/${source}`,
        `${program}:/w/${target}`,
      ]);
      const found = await daemon.ok("docker", [
        "exec",
        program,
        "sh",
        "-c",
        "cd /w; find . | sort | xargs -d '\\n' stat -c '%n %f %s %u:%g %N'; cat new here/plain old 2>/dev/null; true",
      ]);
      results.push({ code, stdout, found: found.replace(/^(\. |\.\/\S+ (41|43)).*$/gm, "$1") });
    }
    expect(results[1]).toEqual(results[0] as never);
  });

  test.each([
    [["a", "b"]],
    [["box:/a", "box:/b"]],
    [["", "box:/b"]],
    [["box:/a", ""]],
    [["box:/none", "-"]],
    [["none:/x", "."]],
    [["/etc/passwd", "none:/x"]],
    [["/etc/passwd", "box:/none/deep"]],
    [["/none", "box:/x"]],
    [["-", "box:/etc/passwd"]],
    [["box:/etc/passwd", "/none/x"]],
    [["box:/etc", "/dev/null"]],
    [["one"]],
  ])("%j is refused alike", async (args) => {
    await fresh("box");
    const [docker, tug] = await Promise.all(
      PROGRAMS.map((program) => daemon.cli(program, ["cp", ...args], { stdin: "" })),
    );
    expect(tug!.code).toBe(docker!.code);
    expect(docker!.code).not.toBe(0);
    expect(tug!.stderr).not.toBe("");
  });

  test("streams tars in and out", async () => {
    await fresh("box");
    for (const program of PROGRAMS) {
      const archive = tar([{ name: `from-${program}`, data: "x" }]);
      await daemon.ok(program, ["cp", "-", "box:/w/here"], { stdin: archive });
      const out = Bun.spawnSync(["sh", "-c", `${program === "tug" ? "dist/tug" : "docker"} cp box:/w/here - | tar t`], {
        env: { ...process.env, DOCKER_HOST: daemon.host, TUG_HOST: daemon.host },
      });
      expect(out.stdout.toString()).toContain(`here/from-${program}\n`);
    }
  });

  test("-a gives all to the container's user", async () => {
    await daemon.ok("docker", ["run", "-d", "--net=none", "--name=owned", "--user=test", "busybox", "sleep", "1000"]);
    writeFileSync(join(folder, "f"), "x");
    for (const program of PROGRAMS) {
      await daemon.ok(program, ["cp", "-a", join(folder, "f"), `owned:/tmp/${program}`]);
      expect(await daemon.ok("docker", ["exec", "owned", "stat", "-c", "%u:%g", `/tmp/${program}`])).toBe("1000:1000");
    }
  });

  test("keeps every byte of a tree both ways, from a container that never ran too", async () => {
    const tree = join(folder, "tree");
    mkdirSync(join(tree, "deep/er"), { recursive: true });
    for (let i = 0; i < 300; i++) writeFileSync(join(tree, `deep/f${i}`), Buffer.alloc(i * 997, `${i},`));
    writeFileSync(join(tree, "large"), Buffer.alloc(20_000_003, "0123456789"));
    await daemon.ok("docker", ["create", "--name=never", "-v", "/vol", "busybox"]);
    for (const program of PROGRAMS)
      for (const place of ["/root", "/vol"]) {
        await daemon.ok(program, ["cp", tree, `never:${place}/${program}`]);
        await daemon.ok(program, ["cp", `never:${place}/${program}`, join(folder, `back-${program}`)]);
        execFileSync("diff", ["-r", tree, join(folder, `back-${program}`)]);
        rmSync(join(folder, `back-${program}`), { recursive: true });
      }
    expect(await daemon.ok("docker", ["diff", "never"])).not.toContain("/vol/");
  });

  test("tells on a terminal how much it copied", async () => {
    await fresh("box");
    writeFileSync(join(folder, "f"), "x".repeat(10));
    const copy = async (program: (typeof PROGRAMS)[number], ...args: string[]) => {
      const path =
        program === "tug" ? join(import.meta.dir, "../../dist/tug") : (process.env.TUG_TEST_DOCKER ?? "docker");
      using session = new TerminalSession([path, "cp", ...args], {
        env: { DOCKER_HOST: daemon.host, TUG_HOST: daemon.host },
      });
      expect(await session.end()).toBe(0);
      return session.text;
    };
    const told = (text: string) => /Successfully copied [^\r\n]*/.exec(text)?.[0];
    for (const args of [
      [join(folder, "f"), "box:/w/here"],
      ["box:/w/here/f", join(folder, "out")],
    ]) {
      const docker = told(await copy("docker", ...args));
      expect(docker).toContain("kB to ");
      expect(told(await copy("tug", ...args))).toBe(docker as string);
    }
  });
});

describe("diff, export, commit", () => {
  test("diff and export say the same", async () => {
    await fresh("box");
    const [docker, tug] = await Promise.all(PROGRAMS.map((program) => daemon.cli(program, ["diff", "box"])));
    expect(tug).toEqual(docker!);
    expect(tug!.stdout).toContain("A /w/src/file\n");
    for (const program of PROGRAMS) await daemon.ok(program, ["export", "-o", join(folder, program), "box"]);
    expect(Buffer.compare(readFileSync(join(folder, "tug")), readFileSync(join(folder, "docker")))).toBe(0);
  });

  test("what was exported or committed can be run", async () => {
    await fresh("box");
    await daemon.ok("tug", ["export", "-o", join(folder, "root.tar"), "box"]);
    await daemon.ok("docker", ["import", join(folder, "root.tar"), "imported:1"]);
    await daemon.ok("docker", ["commit", "-m", "why", "-a", "who", "-c", "CMD cat /w/plain", "box", "committed:1"]);
    expect(await daemon.ok("docker", ["run", "--rm", "imported:1", "cat", "/w/src/same"])).toBe("content");
    expect(await daemon.ok("docker", ["run", "--rm", "committed:1"])).toBe("plain");
    expect(await daemon.ok("docker", ["run", "--rm", "committed:1", "readlink", "/w/src/link"])).toBe("file");
    await daemon.ok("docker", ["rm", "-f", "box"]);
    const twice = await daemon.ok("docker", [
      "run",
      "-d",
      "--name=box",
      "committed:1",
      "sh",
      "-c",
      "rm -r /w/src; sleep 1000",
    ]);
    expect(twice).not.toBe("");
    while (!(await daemon.ok("docker", ["diff", "box"])).includes("D /w/src")) await Bun.sleep(10);
    await daemon.ok("docker", ["commit", "box", "committed:2"]);
    expect((await daemon.cli("docker", ["run", "--rm", "committed:2", "ls", "/w/src"])).code).toBe(1);
    expect(await daemon.ok("docker", ["history", "-q", "committed:2"])).toContain("\n");
  });
});
