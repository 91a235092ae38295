import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { lstat, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ContentStore, createContentStore } from "#core/content";
import { browseLayers } from "#core/snapshots";
import { buildImage, type ImageSpec, type Member, tar } from "#fixtures";
import { byteString } from "#lib/fs";
import { TAR_END, tarHeader } from "#lib/tar";
import { parseImageDocument } from "../document.ts";
import { noSuchImage } from "../errors.ts";
import type { Image, ImageID } from "../image.ts";
import { createImageExplorer, type ImageExplorer } from "./explorer.ts";

const SIGNAL = new AbortController().signal;

let folder: string;
let content: ContentStore;
let explorer: ImageExplorer;
const images = new Map<string, Image>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tug-explore-"));
  content = await createContentStore(join(folder, "content"));
  explorer = createImageExplorer({
    images: {
      async get(reference) {
        const image = images.get(reference);
        if (image === undefined) throw noSuchImage(reference);
        return image;
      },
      list: async () => [...images.values()],
    },
    content,
    snapshots: { browse: (chain) => browseLayers(content, chain) },
  });
  for (const [name, spec] of Object.entries(SPECS)) await addImage(name, spec);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function addImage(name: string, spec: ImageSpec): Promise<void> {
  const { id, config, layers } = buildImage(spec);
  for (const layer of layers) await content.put(layer);
  const layerBytes = layers.map((layer) => layer.byteLength);
  images.set(name, {
    id: id as ImageID,
    document: parseImageDocument(config),
    tags: [`docker.io/library/${name}:latest`],
    digests: [],
    sizeBytes: layerBytes.reduce((sum, bytes) => sum + bytes, 0),
    layerBytes,
  });
}

const BASE: Member[] = [
  { name: "bin/sh", data: "x".repeat(1000), mode: 0o755 },
  { name: "usr/bin/env", data: "x".repeat(10), mode: 0o755 },
  { name: "usr/bin/python", type: "symlink", target: "python3" },
  { name: "usr/bin/python3", data: "x".repeat(5000), mode: 0o755 },
  { name: "etc/passwd", data: "root" },
  { name: "var/cache/a", data: "x".repeat(300) },
  { name: "var/cache/b", data: "x".repeat(200) },
];
const CLEAN: Member[] = [{ name: "var/.wh.cache" }, { name: "etc/passwd", data: "root", mode: 0o600 }];
const APP: Member[] = [
  { name: "srv/app/run.py", data: "#!/usr/bin/env -S python\nprint()\n", mode: 0o755 },
  { name: "srv/app/lib/module.py", data: "x".repeat(700) },
  { name: "srv/app/other", type: "hardlink", target: "srv/app/run.py" },
  { name: "app", type: "symlink", target: "srv/app" },
];

const CREATED = "2024-01-01T00:00:00Z";
const SPECS: Record<string, ImageSpec> = {
  app: {
    layers: [tar(BASE), tar(CLEAN), tar(APP)],
    config: {
      Entrypoint: ["./run.py"],
      Cmd: ["--file=/etc/passwd", "lib.module:main"],
      WorkingDir: "/app",
      Env: ["A=1"],
    },
    document: {
      history: [
        { created: CREATED, created_by: "/bin/sh -c #(nop) ADD file:1 in / " },
        { created: CREATED, created_by: "RUN |1 V=2 /bin/sh -c rm -rf /var/cache # buildkit" },
        { created: CREATED, created_by: "WORKDIR /app", empty_layer: true },
        { created: CREATED, created_by: "COPY . /app # buildkit" },
      ],
    },
  },
  base: { layers: [tar(BASE)], config: { Cmd: ["sh", "-c", "exec python -m nothing && ls"] } },
  other: {
    layers: [
      tar(BASE),
      tar([
        { name: "etc/passwd", data: "toor" },
        { name: "bin/sh", data: "x".repeat(1000), mode: 0o700 },
        { name: "usr/bin/env", data: "x".repeat(10), mode: 0o755, mtime: 5 },
        { name: "usr/bin/.wh.python" },
        { name: "usr/bin/python/", type: "directory" },
        { name: "usr/bin/python/a", data: "1" },
        { name: "new/dir/file", data: "22" },
      ]),
    ],
    config: { Cmd: ["sh"], Env: ["A=2", "B="], User: "app", ExposedPorts: { "80/tcp": {} } },
  },
  empty: { layers: [] },
  broken: { layers: [Buffer.from("no tar ".repeat(100))] },
};

describe("explain()", () => {
  const explain = (name: string, more = {}) => explorer.explain(name, { signal: SIGNAL, ...more });

  test("joins instructions to layers", async () => {
    const { Steps, Layers } = await explain("app");
    expect(Steps.map(({ Instruction, Layer }) => [Instruction, Layer])).toEqual([
      ["ADD file:1 in /", 1],
      ["RUN rm -rf /var/cache", 2],
      ["WORKDIR /app", undefined],
      ["COPY . /app", 3],
    ]);
    expect(Layers.map(({ Number: number, Instruction }) => [number, Instruction])).toEqual([
      [1, "ADD file:1 in /"],
      [2, "RUN rm -rf /var/cache"],
      [3, "COPY . /app"],
    ]);
  });

  test("adds up what layers did, what is wasted and what is left", async () => {
    const image = await explain("app");
    expect(
      image.Layers.map(({ Added, Changed, Deleted, WastedBytes }) => ({ Added, Changed, Deleted, WastedBytes })),
    ).toEqual([
      { Added: { Files: 7, Directories: 6, Bytes: 6514 }, Changed: NONE, Deleted: NONE, WastedBytes: 504 },
      {
        Added: NONE,
        Changed: { Files: 1, Directories: 0, Bytes: 4 },
        Deleted: { Files: 2, Directories: 1, Bytes: 500 },
        WastedBytes: 0,
      },
      { Added: { Files: 4, Directories: 3, Bytes: 766 }, Changed: NONE, Deleted: NONE, WastedBytes: 0 },
    ]);
    expect(image.Wasted).toEqual([
      { Path: "/var/cache", Bytes: 500, Layer: 1, By: 2, Kind: "deleted", SameContent: false },
      { Path: "/etc/passwd", Bytes: 4, Layer: 1, By: 2, Kind: "changed", SameContent: true },
    ]);
    expect(image.WastedBytes).toBe(504);
    expect(image.Efficiency).toBeCloseTo(1 - 504 / image.LayerBytes);
    expect(image.Files).toEqual({ Files: 9, Directories: 8, Bytes: 6780 });
    expect(image.LargestFile).toEqual({ Path: "/usr/bin/python3", Bytes: 5000, Layer: 1 });
  });

  test("finds what a container runs, through the working directory, PATH, #! and symlinks", async () => {
    const { Program } = await explain("app");
    expect(Program.Problem).toBeUndefined();
    expect(
      Program.Files.map(({ Role, Word, Path, ResolvedPath, Layer }) => [Role, Word, Path, ResolvedPath, Layer]),
    ).toEqual([
      ["program", "./run.py", "/app/run.py", "/srv/app/run.py", 3],
      ["interpreter", "python", "/usr/bin/python", "/usr/bin/python3", 1],
      ["argument", "--file=/etc/passwd", "/etc/passwd", "/etc/passwd", 2],
      ["argument", "lib.module:main", "/app/lib/module.py", "/srv/app/lib/module.py", 3],
    ]);
  });

  test("takes apart what a shell is told to run", async () => {
    const { Program } = await explain("base");
    expect(Program.Files.map(({ Role, Path }) => [Role, Path])).toEqual([
      ["program", "/bin/sh"],
      ["program", "/usr/bin/python"],
    ]);
  });

  test("says why nothing would run", async () => {
    expect((await explain("empty")).Program.Problem).toContain("names no program");
    const image = images.get("base")!;
    images.set("typo", { ...image, document: { ...image.document, config: { Cmd: ["shh"] } } });
    expect((await explain("typo")).Program.Problem).toBe('the program "shh" is not in the image, or not executable');
    images.delete("typo");
  });

  test("tells the working directory, behind a symlink", async () => {
    expect((await explain("app")).WorkingDirectory).toEqual({
      Path: "/app",
      Exists: true,
      Files: 3,
      Bytes: 766,
      Layers: [3],
      Largest: [
        { Name: "lib", Type: "directory", Files: 1, Bytes: 700, Layer: 3 },
        { Name: "other", Type: "file", Files: 1, Bytes: 33, Layer: 3 },
        { Name: "run.py", Type: "file", Files: 1, Bytes: 33, Layer: 3 },
      ],
    });
  });

  test("tells which other images have its layers", async () => {
    const bytes = tar(BASE).byteLength;
    expect((await explain("app")).SharedWith).toEqual([
      { Image: "base:latest", Layers: [1], DiskBytes: bytes },
      { Image: "other:latest", Layers: [1], DiskBytes: bytes },
    ]);
  });

  test("lists all that one layer did", async () => {
    const { Changes } = await explain("app", { layer: 2 });
    expect(Changes).toEqual({
      Layer: 2,
      Truncated: false,
      Changes: [
        {
          Kind: "changed",
          Path: "/etc/passwd",
          Type: "file",
          Mode: "600",
          Uid: 0,
          Gid: 0,
          Bytes: 4,
          SameContent: true,
          Before: { Layer: 1, Type: "file", Mode: "644", Uid: 0, Gid: 0, Bytes: 4 },
        },
        expect.objectContaining({ Kind: "deleted", Path: "/var/cache", Type: "directory", Bytes: 500, FilesBelow: 2 }),
      ],
    });
    await expect(explain("app", { layer: 4 })).rejects.toThrow("no such layer: 4 (the image has 1 to 3)");
  });

  test.each([
    ["/etc/passwd", "/etc/passwd", true, ["1 added 0", "2 changed 0"]],
    ["/var/cache/a", "/var/cache/a", false, ["1 added 0", "2 deleted 0"]],
    ["/var", "/var", true, ["1 added 2", "2 undefined 2"]],
    ["/app/lib/../lib/", "/srv/app/lib", true, ["3 added 1"]],
    ["app", "/app", true, ["3 added 0"]],
    ["/nowhere", "/nowhere", false, []],
  ])("tells what became of %s", async (path, resolved, exists, events) => {
    const { Path } = await explain("app", { path });
    expect([Path?.ResolvedPath, Path?.Exists]).toEqual([resolved, exists]);
    const told = Path?.Events.map(
      ({ Layer, Change, Added, Changed, Deleted }) =>
        `${Layer} ${Change?.Kind} ${Added.Files + Changed.Files + Deleted.Files}`,
    );
    expect(told).toEqual(events);
  });

  test("explains an image without layers, and names what cannot be explained", async () => {
    expect(await explain("empty")).toMatchObject({ Layers: [], Efficiency: 1, Wasted: [], Files: NONE });
    await expect(explain("broken")).rejects.toMatchObject({ kind: "invalid-parameter" });
    await expect(explain("absent")).rejects.toThrow("No such image: absent:latest");
  });
});

const NONE = { Files: 0, Directories: 0, Bytes: 0 };

describe("compare()", () => {
  const compare = () => explorer.compare("base", "other", { signal: SIGNAL });

  test("tells layers apart", async () => {
    const { Layers, SharedDiskBytes } = await compare();
    expect(Layers.map(({ In, Number: number }) => `${number} ${In}`)).toEqual(["1 both", "2 second"]);
    expect(SharedDiskBytes).toBe(tar(BASE).byteLength);
  });

  test("tells which files differ, and in what", async () => {
    const { Differences, Added, Removed, Changed, Touched, NotCompared } = await compare();
    expect(Differences.map(({ Kind, Path, Bytes, What }) => [Kind, Path, Bytes, What])).toEqual([
      ["changed", "/bin/sh", 1000, ["mode"]],
      ["changed", "/etc/passwd", 4, ["content"]],
      ["added", "/new", 2, undefined],
      ["removed", "/usr/bin/python", 0, undefined],
      ["added", "/usr/bin/python", 1, undefined],
    ]);
    expect({ Added, Removed, Changed, Touched, NotCompared }).toEqual({
      Added: { Files: 2, Directories: 3, Bytes: 3 },
      Removed: { Files: 1, Directories: 0, Bytes: 0 },
      Changed: { Files: 2, Directories: 0, Bytes: 1004 },
      Touched: 1,
      NotCompared: 0,
    });
  });

  test("tells which settings differ", async () => {
    expect((await compare()).Settings).toEqual([
      { Name: "Cmd", Before: '["sh","-c","exec python -m nothing && ls"]', After: '["sh"]' },
      { Name: "Env A", After: "2" },
      { Name: "Env B", After: "" },
      { Name: "Port 80/tcp", After: "exposed" },
      { Name: "User", After: "app" },
    ]);
  });

  test("finds an image the same as itself", async () => {
    expect(await explorer.compare("app", "app", { signal: SIGNAL })).toMatchObject({
      Differences: [],
      Settings: [],
      Touched: 0,
    });
  });
});

describe("files()", () => {
  const list = async (name: string, path: string, more = {}) =>
    Array.fromAsync(await explorer.files(name, { signal: SIGNAL, path, recursive: false, layers: false, ...more }));

  test("lists a directory, behind a symlink too", async () => {
    const files = await list("app", "/app");
    expect(files.map(({ Path, Type, Links }) => [Path, Type, Links])).toEqual([
      ["/srv/app/lib", "directory", 2],
      ["/srv/app/other", "file", 2],
      ["/srv/app/run.py", "file", 2],
    ]);
    expect(files[1]!.Inode).toBe(files[2]!.Inode);
  });

  test("lists a file itself, and a symlink as such", async () => {
    expect(await list("base", "/usr/bin/python")).toMatchObject([
      { Path: "/usr/bin/python", Name: "python", Type: "symlink", LinkTarget: "python3", Mode: "777", Size: 7 },
    ]);
    expect(await list("base", "etc//passwd", { layers: true })).toMatchObject([
      { Path: "/etc/passwd", Size: 4, Layer: 1 },
    ]);
  });

  test("lists everything, each directory before what is within", async () => {
    const paths = (await list("other", "/", { recursive: true, layers: true })).map(
      ({ Path, Layer }) => `${Path} ${Layer}`,
    );
    expect(paths.slice(0, 6)).toEqual(["/bin 1", "/etc 1", "/new 2", "/usr 1", "/var 1", "/bin/sh 2"]);
    expect(paths).toContain("/usr/bin/python/a 2");
  });

  test("tells what files of odd kinds are", async () => {
    const odd = [
      { name: "null", type: "char", device: { major: 1, minor: 3 }, mode: 0o666 },
      { name: "tool", data: "", mode: 0o6755, uid: 70_000, gid: 5, mtime: 0o77777777777, xattrs: { "user.a": "1" } },
    ] as const;
    await addImage("odd", { layers: [tar(odd)] });
    expect(await list("odd", "/")).toMatchObject([
      { Name: "null", Type: "character", Device: "1, 3" },
      { Name: "tool", Mode: "6755", Uid: 70_000, Gid: 5, Xattrs: ["user.a"], ModTime: "2242-03-16T12:56:31Z" },
    ]);
  });

  test("does not stumble over times that no calendar has", async () => {
    const modified = { seconds: 99_999_999_999_999, nanoseconds: 0 };
    const layer = Buffer.concat([
      tarHeader({ type: "file", name: byteString("late"), mode: 0o644, modified }),
      TAR_END,
    ]);
    await addImage("late", { layers: [layer] });
    expect((await list("late", "/"))[0]?.ModTime).toStartWith("+275760-09-12");
  });

  test("finds nothing where nothing is", async () => {
    await expect(list("app", "/app/nothing")).rejects.toThrow('no such file in the image: "/app/nothing"');
    await addImage("circle", { layers: [tar([{ name: "a", type: "symlink", target: "a" }])] });
    await expect(list("circle", "/a")).rejects.toMatchObject({ kind: "invalid-parameter" });
  });
});

describe("archive()", () => {
  async function extracted(name: string, path: string): Promise<string> {
    const { tar: archive } = await explorer.archive(name, { signal: SIGNAL, path });
    const file = join(folder, "out.tar");
    await writeFile(file, Buffer.concat(await Array.fromAsync(archive)));
    const out = await mkdtemp(join(folder, "out-"));
    await mkdir(out, { recursive: true });
    execFileSync("tar", ["-C", out, "-xpf", file, "--no-same-owner"]);
    return out;
  }

  test("holds a directory under its name, hard links as such", async () => {
    const out = await extracted("app", "/srv/app");
    expect(await readFile(join(out, "app/lib/module.py"), "utf8")).toBe("x".repeat(700));
    expect((await lstat(join(out, "app/other"))).ino).toBe((await lstat(join(out, "app/run.py"))).ino);
    expect((await lstat(join(out, "app/run.py"))).mode & 0o7777).toBe(0o755);
  });

  test("keeps holes", async () => {
    const segments = [{ offset: 1 << 20, size: 512 }];
    const header = tarHeader({ type: "file", name: byteString("sparse"), mode: 0o644, size: 1 << 30, segments });
    await addImage("sparse", { layers: [Buffer.concat([header, Buffer.alloc(512, 7), TAR_END])] });
    const path = join(await extracted("sparse", "/sparse"), "sparse");
    const stats = await lstat(path);
    expect(stats.size).toBe(1 << 30);
    expect(stats.blocks).toBeLessThan(100);
    expect(
      await Bun.file(path)
        .slice(1 << 20, (1 << 20) + 512)
        .bytes(),
    ).toEqual(new Uint8Array(512).fill(7));
  });

  test.each([
    ["/app", "app", 0o777 + 2 ** 27, "/srv/app"],
    ["/app/", "app", 0o755 + 2 ** 31, ""],
    ["/app/.", ".", 0o755 + 2 ** 31, ""],
    ["/", "/", 0o755 + 2 ** 31, ""],
    ["/app/run.py", "run.py", 0o755, ""],
  ])("tells what %s is", async (path, name, mode, linkTarget) => {
    const { stat } = await explorer.archive("app", { signal: SIGNAL, path });
    expect(stat).toMatchObject({ name, mode, linkTarget });
  });

  test("finds nothing where nothing is", async () => {
    await expect(explorer.archive("app", { signal: SIGNAL, path: "/no" })).rejects.toMatchObject({ kind: "not-found" });
  });
});
