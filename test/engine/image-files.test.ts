/** What is in an image, asked by `tug` and over HTTP from a real daemon, beside what a container of the image sees. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { decodePathStat, type ImageComparison, type ImageExplanation, type ImageFile } from "#api/engine";
import { busyboxLayer, dockerArchive, type ImageSpec, type Member, tar } from "../fixtures/mod.ts";
import { TestDaemon } from "./_daemon.ts";

const APP: Member[] = [
  { name: "app/", type: "directory", mode: 0o750, uid: 1000, gid: 1000 },
  { name: "app/run", data: "#!/bin/sh\necho running\n", mode: 0o755 },
  { name: "app/again", type: "hardlink", target: "app/run" },
  { name: "app/big", data: Buffer.alloc(700_000, "b") },
  { name: "app/link", type: "symlink", target: "../etc/group" },
  { name: "app/old/a", data: "a" },
  { name: "app/old/b", data: "b" },
];
const CHANGES: Member[] = [
  { name: "app/.wh.old" },
  { name: "app/big", data: Buffer.alloc(700_000, "b"), mode: 0o600 },
  { name: "etc/group", data: "changed\n" },
];

async function specs(): Promise<ImageSpec[]> {
  const base = await busyboxLayer();
  const config = { Cmd: ["./run"], WorkingDir: "/app", Env: ["PATH=/bin"] };
  return [
    { tags: ["localhost:5000/team/app:1"], layers: [base, tar(APP)], config },
    {
      tags: ["localhost:5000/team/app:2"],
      layers: [base, tar(APP), tar(CHANGES)],
      config: { ...config, User: "test" },
    },
  ];
}

const IMAGE = "localhost:5000/team/app:2";

describe.each(["erofs", "overlay"])("with storage driver %s", (driver) => {
  let daemon: TestDaemon;
  let folder: string;
  beforeAll(async () => {
    daemon = await TestDaemon.start({ flags: [`--storage-driver=${driver}`], busybox: false });
    folder = mkdtempSync("/var/tmp/tug-image-files-");
    await daemon.ok("tug", ["load"], { stdin: tar(dockerArchive(await specs())) });
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await daemon?.[Symbol.asyncDispose]();
  });

  const tug = (...args: string[]) => daemon.cli("tug", args);
  const ok = (...args: string[]) => daemon.ok("tug", args);

  test("explain tells layers, program, waste and what is shared", async () => {
    const image = JSON.parse(await ok("explain", "--json", IMAGE)) as ImageExplanation;
    expect(image.Layers.map(({ Added, Changed, Deleted }) => [Added.Files > 0, Changed.Files, Deleted.Files])).toEqual([
      [true, 0, 0],
      [true, 0, 0],
      [false, 2, 2],
    ]);
    expect(image.Program.Files.map(({ ResolvedPath, Layer }) => [ResolvedPath, Layer])).toEqual([
      ["/app/run", 2],
      ["/bin/busybox", 1],
    ]);
    expect(image.Wasted.map(({ Path, Layer, By }) => [Path, Layer, By])).toEqual([
      ["/app/big", 2, 3],
      ["/etc/group", 1, 3],
      ["/app/old", 2, 3],
    ]);
    expect(image.SharedWith.map(({ Image, Layers }) => [Image, Layers])).toEqual([
      ["localhost:5000/team/app:1", [1, 2]],
    ]);
    const text = await ok("explain", IMAGE);
    expect(text).toContain("D old/");
    expect(text).toContain("Copy-on-write");
  });

  test("diff tells two images apart", async () => {
    const images = JSON.parse(await ok("diff", "--json", "localhost:5000/team/app:1", IMAGE)) as ImageComparison;
    expect(images.Differences.map(({ Kind, Path, What }) => [Kind, Path, What])).toEqual([
      ["changed", "/app/big", ["mode"]],
      ["removed", "/app/old", undefined],
      ["changed", "/etc/group", ["content"]],
    ]);
    expect(images.Settings).toEqual([{ Name: "User", After: "test" }]);
  });

  test("ls, cat and cp show what a container sees, and start nothing", async () => {
    const seen = await ok(
      "run",
      "--rm",
      "--user=0",
      IMAGE,
      "sh",
      "-c",
      "cd /app && stat -c '%n %a %u %s' * && cat link",
    );
    const listed = (await ok("ls", "-l", `${IMAGE}:/app`)).split("\n");
    expect(listed.map((line) => line.split(/\s+/).slice(7).join(" "))).toEqual([
      "again",
      "big",
      "link -> ../etc/group",
      "run",
    ]);
    expect(seen).toBe(
      `again 755 0 23\nbig 600 0 700000\nlink 777 0 12\nrun 755 0 23\n${await ok("cat", `${IMAGE}:/app/link`)}`,
    );
    await ok("cp", `${IMAGE}:/app`, join(folder, "app"));
    expect(readdirSync(join(folder, "app")).sort()).toEqual(["again", "big", "link", "run"]);
    expect(readFileSync(join(folder, "app/big")).equals(Buffer.alloc(700_000, "b"))).toBe(true);
    expect(readlinkSync(join(folder, "app/link"))).toBe("../etc/group");
    expect(lstatSync(join(folder, "app/again")).ino).toBe(lstatSync(join(folder, "app/run")).ino);
    expect(await ok("ps", "-aq")).toBe("");
  });

  test("a whole image comes out as a tar that GNU tar reads", async () => {
    await Bun.write(join(folder, "root.tar"), (await fetchArchive("/")).body!);
    const names = execFileSync("tar", ["-tPf", join(folder, "root.tar")], { encoding: "utf8" }).split("\n");
    expect(names).toContain("/app/big");
    expect(names).toContain("/bin/busybox");
    expect(names.some((name) => name.includes(".wh."))).toBe(false);
  });

  const fetchArchive = (path: string, method = "GET") =>
    fetch(`http://tug/images/${IMAGE}/archive?path=${encodeURIComponent(path)}`, { unix: daemon.socket, method });

  test("HEAD tells what a path is", async () => {
    const head = await fetchArchive("/app/link", "HEAD");
    expect(decodePathStat(head.headers.get("X-Docker-Container-Path-Stat") ?? "")).toMatchObject({
      name: "link",
      linkTarget: "/etc/group",
    });
    expect((await fetchArchive("/nope", "HEAD")).status).toBe(404);
  });

  test("files come line by line, with their layers when asked for", async () => {
    const { text } = await daemon.api("GET", `/images/${IMAGE}/files?path=/app&layers=1`);
    const files = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as ImageFile);
    expect(files.map(({ Path, Layer }) => [Path, Layer])).toEqual([
      ["/app/again", 2],
      ["/app/big", 3],
      ["/app/link", 2],
      ["/app/run", 2],
    ]);
  });

  test("what is not there, or cannot be, is told", async () => {
    for (const [args, message] of [
      [["explain", "absent"], "No such image: absent:latest"],
      [["explain", "--layer", "4", IMAGE], "no such layer: 4 (the image has 1 to 3)"],
      [["cat", `${IMAGE}:/app`], "is a directory"],
      [["cat", `${IMAGE}:/nope`], 'no such file in the image: "/nope"'],
      [["cp", `${IMAGE}:/nope`, folder], 'no such file in the image: "/nope"'],
      [["cp", folder, `${IMAGE}:/x`], "images do not change"],
    ] as const) {
      const { code, stderr } = await tug(...args);
      expect([args, code]).toEqual([args, 1]);
      expect(stderr).toContain(message);
    }
  });

  test("cp means the container where it has the name of an image", async () => {
    await ok("tag", IMAGE, "both");
    await ok("create", "--name", "both", "localhost:5000/team/app:1");
    await ok("cp", "both:/etc/group", join(folder, "of-container"));
    await ok("cp", "both:latest:/etc/group", join(folder, "of-image"));
    await ok("rm", "both");
    expect(readFileSync(join(folder, "of-container"), "utf8")).toStartWith("root:x:0:");
    expect(readFileSync(join(folder, "of-image"), "utf8")).toBe("changed\n");
  });
});
