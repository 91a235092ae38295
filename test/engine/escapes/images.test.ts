/**
 * Images made to reach out of the store: archives for `load` and `import`, layers, configs.
 *
 *     CVE-2014-6407, CVE-2014-9356, CVE-2014-9358   links, paths and identifiers in archives that lead to the host
 *     CVE-2021-41091, CVE-2021-41103                set-uid programs of layers that others on the host may run
 *     CVE-2023-2253 and others                      small inputs that take all memory: compression, nesting, counts
 *     CVE-2021-21284, CVE-2024-24557                what one image does to others in the store
 *
 * What stops them: layers are not unpacked (erofs), or by names beneath one directory over no links (overlay, vfs); archives
 * name blobs by digest; everything that is read whole has a limit.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { lstatSync, readFileSync, statSync } from "node:fs";
import { gzipSync } from "node:zlib";
import {
  busyboxImage,
  dockerArchive,
  HOSTILE_ARCHIVES,
  type ImageSpec,
  type Member,
  tar,
  tarWithoutEnd,
} from "#fixtures";
import { TestDaemon } from "../_daemon.ts";
import { Canary } from "./_attack.ts";

const canary = new Canary();
const inFolder = `${canary.path}/folder`;
afterAll(() => canary[Symbol.dispose]());

const link = (name: string, target: string): Member => ({ name, type: "symlink", target });
const hardlink = (name: string, target: string): Member => ({ name, type: "hardlink", target });
const file = (name: string, data = "planted"): Member => ({ name, data });
const directory = (name: string): Member => ({ name, type: "directory" });

/** Layers, bottom first, that come on top of busybox. */
const LAYERS: Readonly<Record<string, readonly (readonly Member[])[]>> = {
  "names that climb": [
    [file(`../../../../../../../..${inFolder}/a`), file(`x/../../../../../../../../..${inFolder}/b`), file("..", "x")],
  ],
  "names that are absolute": [[file(`${inFolder}/a`), file(`//${inFolder}/b`), directory("/"), directory("./")]],
  "a file through a link of the same layer": [
    [link("out", inFolder), file("out/a"), link("up", "../../../../.."), file("up/var/tmp/tug-up")],
  ],
  "a file through a link of a lower layer": [[link("out", inFolder)], [file("out/a"), directory("out/b/")]],
  "a directory that becomes a link below further files": [
    [directory("d/"), file("d/a")],
    [link("d", inFolder)],
    [file("d/b")],
  ],
  "a link that becomes a directory": [[link("d", inFolder)], [directory("d/"), file("d/a")]],
  "hard links to the host": [
    [hardlink("a", `${canary.path}/file`)],
    [hardlink("b", `../../../../../../..${canary.path}/file`)],
    [link("l", canary.path), hardlink("c", "l/file")],
    [hardlink("d", "/etc/shadow"), hardlink("e", "e"), hardlink("f", "g"), hardlink("g", "f")],
  ],
  "hard links to directories and devices": [
    [directory("d/"), hardlink("e", "d"), hardlink("d/f", "dev"), hardlink("dev", "/")],
  ],
  "whiteouts of what is above": [
    [
      file(".wh..."),
      file(".wh.."),
      file(".wh."),
      file("d/.wh..."),
      file("d/.wh.."),
      file(".wh.../a"),
      file(".wh..wh.x"),
    ],
    [file(".wh./"), file(`.wh.../..${inFolder}`), file(`d/.wh.../../..${inFolder}/.wh.x`), file(".wh..wh..opq")],
  ],
  "whiteouts through links": [[link("out", canary.path)], [file("out/.wh.file"), file("out/.wh..wh..opq")]],
  "device nodes, pipes and set-id programs": [
    [
      { name: "disk", type: "block", device: { major: 8, minor: 0 }, mode: 0o666 },
      { name: "memory", type: "char", device: { major: 1, minor: 1 }, mode: 0o666 },
      { name: "whiteout", type: "char", device: { major: 0, minor: 0 } },
      { name: "pipe", type: "fifo", mode: 0o666 },
      { name: "setuid", data: "#!/bin/sh\n", mode: 0o6755 },
    ],
  ],
  "one name many times": [
    [
      file("n", "1"),
      directory("n/"),
      link("n", inFolder),
      file("n", "2"),
      { name: "n", type: "fifo" },
      link("n", inFolder),
      file("n/a"),
    ],
  ],
  "attributes of the overlay's own": [
    [
      {
        name: "red/",
        type: "directory",
        xattrs: { "trusted.overlay.redirect": inFolder, "trusted.overlay.opaque": "y" },
      },
      {
        name: "meta",
        data: "",
        xattrs: { "trusted.overlay.metacopy": "", "trusted.overlay.redirect": `${canary.path}/file` },
      },
      {
        name: "user",
        data: "",
        xattrs: { "user.overlay.opaque": "y", "user.overlay.whiteout": "y", "security.evil": "x" },
      },
    ],
  ],
  "odd names": [
    [
      file("a\nb"),
      file("\u001b[31m"),
      file("\u202e"),
      file("ü".repeat(120)),
      file(" "),
      file("\\"),
      file("%s%n"),
      file("$(reboot)"),
    ],
  ],
  "names without end": [[file("x".repeat(5000)), file(`${"y".repeat(200)}/`.repeat(40)), file("d/".repeat(3000))]],
  "targets without end": [[link("l", "x/".repeat(3000)), link("empty", ""), hardlink("h", "x".repeat(5000))]],
  "sizes that lie": [[{ name: "lie", data: "x", claimedSize: 0o77777777777 }], [file("more")]],
};

describe.each(["erofs", "overlay", "vfs"])("with the storage driver %s", (driver) => {
  let daemon: TestDaemon;
  let base: ImageSpec;
  beforeAll(async () => {
    daemon = await TestDaemon.start({ flags: [`--storage-driver=${driver}`] });
    base = await busyboxImage();
  });
  afterAll(() => daemon?.[Symbol.asyncDispose]());

  test.each(Object.keys(LAYERS))("%s: the host is untouched, the secret unread", async (name) => {
    const layers = (LAYERS[name] ?? []).map((members) => tar(members));
    const archive = tar(dockerArchive([{ ...base, tags: ["hostile:latest"], layers: [...base.layers, ...layers] }]));
    const loaded = await daemon.cli("docker", ["load", "-q"], { stdin: archive });
    expect(canary.changes()).toBe("");
    if (loaded.code === 0) {
      const search = `find / -xdev -type f -size -2 ! -path '/proc/*' -exec grep -l ${canary.secret} {} + 2>/dev/null; ls -lR / > /dev/null 2>&1; echo searched`;
      const ran = await daemon.cli("docker", ["run", "--rm", "--net=none", "hostile", "/bin/sh", "-c", search]);
      if (ran.code === 0) expect(ran.stdout).toBe("searched\n");
      else expect(ran.stderr).not.toMatch(/internal|assert|undefined/);
      expect(canary.changes()).toBe("");
      await daemon.ok("docker", ["rmi", "-f", "hostile"]);
    } else {
      expect(loaded.stderr).not.toMatch(/assert|TypeError|undefined|RangeError/);
    }
    expect((await daemon.api("GET", "/_ping")).status).toBe(200);
  });

  test.each(Object.keys(LAYERS))("%s, by import", async (name) => {
    for (const members of LAYERS[name] ?? []) {
      await daemon.cli("docker", ["import", "-", "imported"], { stdin: tar(members) });
      expect(canary.changes()).toBe("");
    }
    await daemon.cli("docker", ["rmi", "-f", "imported"]);
  });

  test("nobody but root gets at what layers hold (CVE-2021-41091)", async () => {
    const layer = tar([{ name: "setuid-shell", data: await readBusybox(), mode: 0o6755 }]);
    const archive = tar(dockerArchive([{ ...base, tags: ["setuid:latest"], layers: [...base.layers, layer] }]));
    await daemon.ok("docker", ["load", "-q"], { stdin: archive });
    await daemon.ok("docker", ["run", "-d", "--name=setuid", "setuid", "sleep", "600"]);
    const look = ["find", daemon.dataRoot, daemon.execRoot, "-name", "setuid-shell"];
    const nobody = Bun.spawnSync(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...look]);
    expect(nobody.stdout.toString()).toBe("");
    expect(nobody.stderr.toString()).toContain("Permission denied");
    await daemon.ok("docker", ["rm", "-f", "setuid"]);
  });

  test("after all of them a good image still runs, and nothing is left of the others", async () => {
    await daemon.cli("docker", ["rmi", "-f", "setuid"]);
    expect(await daemon.ok("docker", ["run", "--rm", "busybox", "echo", "alive"])).toBe("alive");
    expect(await daemon.ok("docker", ["images", "-q", "--filter", "reference=hostile"])).toBe("");
    expect(() => lstatSync("/var/tmp/tug-up")).toThrow();
  });
});

async function readBusybox(): Promise<Uint8Array> {
  return await Bun.file("/bin/busybox")
    .bytes()
    .catch(() => Buffer.from("#!/bin/sh\n"));
}

describe("archives", () => {
  let daemon: TestDaemon;
  beforeAll(async () => {
    daemon = await TestDaemon.start();
  });
  afterAll(() => daemon?.[Symbol.asyncDispose]());

  const load = (archive: Uint8Array) => daemon.cli("docker", ["load", "-q"], { stdin: archive });
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8"))?.[1]) * 1024;
  /** What garbage may pile up included. Each of these would take several times as much, were it held whole and parsed. */
  const LIMIT_BYTES = 1 << 30;

  test.each(HOSTILE_ARCHIVES.map(({ name }) => name))("%s is refused in words", async (name) => {
    const hostile = HOSTILE_ARCHIVES.find((archive) => archive.name === name);
    const result = await load(hostile?.archive() ?? new Uint8Array());
    expect(result.code).toBe(1);
    expect(result.stderr + result.stdout).toMatch(hostile?.message ?? /^$/);
  });

  const manifest = (text: string) => tar([{ name: "manifest.json", data: text }]);
  const deep = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

  test.each([
    ["a manifest nested 100,000 deep", () => manifest(deep(100_000))],
    ["a manifest nested 5,000,000 deep", () => manifest("[".repeat(5_000_000))],
    ["a manifest of 300 MB of blanks, compressed", () => gzipSync(manifest(" ".repeat(300 << 20)), { level: 1 })],
    ["compression within compression", () => gzipSync(gzipSync(gzipSync(Buffer.alloc(64 << 20))))],
    ["a million entries", () => manifest(`[${"{},".repeat(1_000_000)}{}]`)],
    ["a hundred thousand members", () => tar(Array.from({ length: 100_000 }, (_, index) => directory(`m${index}/`)))],
    ["a name without end", () => tarWithoutEnd([{ name: "x".repeat(20 << 20), data: "" }])],
    [
      "a manifest that names prototypes",
      () =>
        manifest(
          '[{"__proto__":{"Config":"x"},"Config":"__proto__","Layers":["constructor"],"RepoTags":["toString"]}]',
        ),
    ],
  ])("%s is refused, soon, in little memory", async (_, make) => {
    const archive = make();
    const started = performance.now();
    const result = await load(archive);
    expect(result.code).toBe(1);
    expect(result.stderr).not.toMatch(/Maximum call stack|RangeError|TypeError/);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(memory()).toBeLessThan(LIMIT_BYTES);
    expect((await daemon.api("GET", "/_ping")).status).toBe(200);
  });

  test.each([
    "../../etc:x",
    "A:B",
    "a:../x",
    "-a:b",
    "a\nb:c",
    "sha256:ab",
    "a//b",
    `${"a/".repeat(500)}b`,
    "a@sha256:x",
    "\u0000",
    "a b",
    "$(id)",
    "a:<script>",
  ])("the tag %j is refused", async (tag) => {
    const base = await busyboxImage();
    const result = await load(tar(dockerArchive([{ ...base, tags: [tag] }])));
    expect(result.code).toBe(1);
    expect((await daemon.api("POST", `/images/busybox/tag?repo=${encodeURIComponent(tag)}`)).status).toBe(400);
  });

  test("a layer of zeros that was small compressed is held in little memory", async () => {
    const base = await busyboxImage();
    const layer = tar([{ name: "zeros", data: new Uint8Array(256 << 20) }]);
    const archive = dockerArchive([{ ...base, tags: ["zeros:latest"], layers: [...base.layers, layer] }], {
      suffix: "+gzip",
      compress: (bytes) => gzipSync(bytes, { level: 1 }),
    });
    await daemon.ok("docker", ["load", "-q"], { stdin: tar(archive) });
    expect(memory()).toBeLessThan(LIMIT_BYTES);
    await daemon.ok("docker", ["rmi", "zeros"]);
  });

  test("a client that hangs up in the middle leaves nothing", async () => {
    const base = await busyboxImage();
    const archive = tar(dockerArchive([{ ...base, tags: ["half:latest"], config: { Labels: { half: "1" } } }]));
    for (const part of [100, 1000, 100_000, archive.byteLength - 600]) await load(archive.subarray(0, part));
    expect(await daemon.ok("docker", ["images", "-q", "half"])).toBe("");
    expect(statSync(`${daemon.dataRoot}/content`).isDirectory()).toBe(true);
    const left = Bun.spawnSync([
      "find",
      `${daemon.dataRoot}/content`,
      "-path",
      "*ingest*",
      "-type",
      "f",
    ]).stdout.toString();
    expect(left).toBe("");
  });
});
