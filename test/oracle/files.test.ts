/** The files of containers beside the real engine: what changed, archives out and in, exports, commits. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type Member, tar, tarWithoutEnd } from "#fixtures";
import { readTar, type TarEntry } from "#lib/tar";
import { same, sameAnswer } from "./_compare.ts";
import { type Engine, Engines } from "./_engines.ts";
import { RawStream } from "./_http.ts";
import { normaliseText } from "./_normalise.ts";

let engines: Engines;
beforeAll(async () => {
  engines = await Engines.start();
});
afterEach(() => engines.clean());
afterAll(() => engines?.[Symbol.asyncDispose]());

/** What Docker keeps in its init layer: tug makes some of it at the start, and none of the rest. */
const ENGINE_MADE = /^\/?(\.dockerenv|dev\/(console|pts\/|shm\/)|etc\/(hosts|hostname|resolv\.conf|mtab))$/;

/** A container in which a script has run; it goes on unless `stop` is set. */
async function run(engine: Engine, script: string, options: { stop?: boolean; body?: object } = {}): Promise<void> {
  const Cmd = ["sh", "-c", `{ ${script}\n}; echo done; exec sleep 1000`];
  await engine.get("POST", "/containers/create?name=P-c", { Image: "IMAGE", Cmd, ...options.body });
  await engine.get("POST", "/containers/P-c/start");
  await expectDone(engine);
  if (options.stop) await engine.get("POST", "/containers/P-c/stop?t=0");
}

async function expectDone(engine: Engine): Promise<void> {
  const stream = await RawStream.open(engine.socket);
  try {
    const target = engine.expand("/containers/P-c/logs?stdout=1&follow=1");
    stream.write(`GET ${target} HTTP/1.1\r\nHost: docker\r\n\r\n`);
    await stream.until("done\n");
  } finally {
    stream.close();
  }
}

/** A listing of an archive without times: those of directories depend on when something was made in them. */
async function listing(body: string): Promise<string[]> {
  const lines: string[] = [];
  const bytes = Buffer.from(body, "latin1");
  for await (const { entry, body } of readTar(once(bytes))) {
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece.slice());
    if (ENGINE_MADE.test(entry.name)) continue;
    lines.push(describeEntry(entry, Buffer.concat(pieces)));
  }
  return lines;
}

function describeEntry(entry: TarEntry, content: Buffer): string {
  const { name, type, mode, uid, gid, size, linkName, deviceMajor, deviceMinor, xattrs } = entry;
  const time =
    type === "directory" ? "" : `@${entry.modified.seconds > 1_750_000_000 ? "now" : entry.modified.seconds}`;
  const shown = content.length > 64 ? Bun.hash(content).toString(16) : content.toString("latin1");
  return [
    `${name} ${type} ${mode.toString(8)} ${uid}:${gid} ${size} ${linkName} ${deviceMajor}:${deviceMinor} ${time}`,
    // Docker leaves out those of users.
    ...[...xattrs].flatMap(([key, value]) =>
      key.startsWith("user.") ? [] : [`${key}=${Buffer.from(value).toString("hex")}`],
    ),
    shown,
  ].join("|");
}

async function* once(bytes: Uint8Array) {
  yield bytes;
}

async function changesOf(engine: Engine): Promise<unknown> {
  const found = await engine.get<{ Path: string; Kind: number }[] | null>("GET", "/containers/P-c/changes");
  return found?.sort((a, b) => (a.Path < b.Path ? -1 : 1)) ?? found;
}

const SCRIPTS: readonly [what: string, script: string][] = [
  ["nothing", "true"],
  ["new files, deep", "mkdir -p /a/b/c; echo x > /a/b/c/d; echo y > /etc/new; touch /top"],
  ["changed content", "echo more >> /etc/passwd"],
  ["only modes", "chmod 600 /etc/passwd; chmod 700 /root"],
  ["only owners", "chown 5:6 /etc/group; chown 7 /home"],
  ["only times", "touch -d '2001-02-03 04:05:06' /etc/passwd; touch -d '2001-02-03 04:05:06' /root"],
  ["removed", "rm /bin/yes; rm -r /home/test; rm -r /var"],
  ["a file that became a directory", "rm /etc/passwd; mkdir /etc/passwd; echo x > /etc/passwd/in"],
  ["a directory that became a file", "rm -r /var; echo x > /var"],
  ["a directory that became a link", "rm -r /usr/bin; ln -s /x /usr/bin"],
  ["a directory made anew", "rm -r /var; mkdir /var; echo x > /var/x"],
  ["a directory made anew as it was", "rm -r /var; mkdir -p /var/log"],
  ["removed in a directory made anew", "rm -r /home; mkdir -p /home/test /home/other; rm -r /home/test"],
  ["a renamed directory", "mv /home /house"],
  ["a renamed file", "mv /etc/passwd /etc/password"],
  ["replaced by a rename", "echo x > /tmp/x; mv /tmp/x /etc/group"],
  ["hard links", "ln /etc/passwd /etc/passwd2; echo x > /f; ln /f /g"],
  ["symlinks", "ln -s /etc/passwd /link; ln -sf other /bin/sh2; rm /bin/yes; ln -s nowhere /bin/yes"],
  ["devices and fifos", "mknod /null c 1 3; mkfifo /fifo; mknod /block b 7 0"],
  ["made and removed again", "echo x > /tmp/x; rm /tmp/x; mkdir /etc/y; rmdir /etc/y"],
  ["written as it was", "cp -p /etc/passwd /tmp/p; cat /tmp/p > /etc/passwd; touch -r /tmp/p /etc/passwd; rm /tmp/p"],
  ["special modes", "echo x > /s; chmod 6755 /s; mkdir /t; chmod 1777 /t; chmod 2750 /home"],
  ["odd names", "echo 1 > '/ a'; echo 2 > /ä; echo 3 > \"/q'\\\"\"; echo 4 > /.wh; mkdir /-x"],
  ["mount points", "true"],
];
const MOUNTS = { Volumes: { "/vol": {}, "/etc/deep/er": {} }, HostConfig: { Tmpfs: { "/scratch": "" } } };

describe("changes", () => {
  test.each(SCRIPTS)("of %s", async (what, script) => {
    const body = what === "mount points" ? MOUNTS : {};
    same(
      await engines.both(async (engine) => {
        await run(engine, script, { body });
        return await changesOf(engine);
      }),
    );
  });

  test("of a container that never ran, or ended, or is not there", async () => {
    same(
      await engines.both(async (engine) => {
        await engine.get("POST", "/containers/create?name=P-new", { Image: "IMAGE", ...MOUNTS });
        await run(engine, "echo x > /x", { stop: true });
        return [await engine.get("GET", "/containers/P-new/changes"), await changesOf(engine)];
      }),
    );
    await sameAnswer(engines, "GET", "/containers/P-none/changes");
    await sameAnswer(engines, "GET", "/containers/P-none/export");
  });
});

const FURNISH = [
  "mkdir -p /a/b/deep /vol/sub",
  "echo file > /a/f; chmod 4755 /a/f; chown 1000:10 /a/f; touch -d '2001-02-03 04:05:06' /a/f",
  "ln /a/f /a/g; ln -s f /a/rel; ln -s /a/b /l; ln -s nope /dang; ln -s dang /dang2; ln -s /vol/sub /tovol",
  "mkfifo /a/p; mknod /a/c c 1 3; chmod 1777 /a/b; echo in > /vol/sub/in",
  `mkdir -p /long/${"x".repeat(60)}/${"y".repeat(60)}; echo l > /long/${"x".repeat(60)}/${"y".repeat(60)}/${"z".repeat(120)}`,
].join("; ");

describe("archive", () => {
  const PATHS = [
    "/a",
    "/a/",
    "/a/.",
    "/a/./b",
    "/a/../a/f",
    "a/f",
    "../../a/f",
    "/a/g",
    "/a/rel",
    "/a/rel/",
    "/a/p",
    "/a/c",
    "/l",
    "/l/",
    "/l/.",
    "/dang",
    "/dang2",
    "/tovol",
    "/tovol/in",
    "/vol",
    "/long",
    "/etc/passwd",
    "/etc/passwd/",
    "/etc/passwd/x",
    "/bin/sh",
    "/none",
    "/dang/",
    "",
  ];

  test.each([true, false])("of every kind of path (running: %p)", async (isRunning) => {
    await engines.both((engine) => run(engine, FURNISH, { stop: !isRunning, body: { Volumes: { "/vol": {} } } }));
    for (const path of PATHS) {
      const query = `path=${encodeURIComponent(path)}`;
      same(
        await engines.both(async (engine) => {
          const head = await engine.send("HEAD", `/containers/P-c/archive?${query}`);
          const { status, headers, body } = await engine.send("GET", `/containers/P-c/archive?${query}`);
          if (status !== 200)
            return { path, refused: [head.status, status].map(asRefusal), body: withoutNames(engine, body) };
          const stat = statOf(headers["x-docker-container-path-stat"]);
          expect(statOf(head.headers["x-docker-container-path-stat"])).toEqual(stat);
          return { path, head: head.status, type: headers["content-type"], stat, files: await listing(body) };
        }),
      );
    }
  });

  test("of a container that never ran has its volumes", async () => {
    same(
      await engines.both(async (engine) => {
        await engine.get("POST", "/containers/create?name=P-new", { Image: "IMAGE", Volumes: { "/not/there": {} } });
        const { status, body } = await engine.send("GET", "/containers/P-new/archive?path=/not");
        return { status, files: await listing(body) };
      }),
    );
  });

  test("says which container or parameter is missing", async () => {
    await sameAnswer(engines, "GET", "/containers/P-none/archive?path=/x");
    await sameAnswer(engines, "HEAD", "/containers/P-none/archive?path=/x");
    await sameAnswer(engines, "GET", "/containers/P-none/archive");
    await sameAnswer(engines, "PUT", "/containers/P-none/archive?path=/x", tar([]), TAR);
  });
});

const TAR = { "Content-Type": "application/x-tar" };

describe("export", () => {
  test.each([true, false])("has all of the root filesystem and nothing else (running: %p)", async (isRunning) => {
    same(
      await engines.both(async (engine) => {
        await run(engine, FURNISH, { stop: !isRunning, body: MOUNTS });
        const { status, headers, body } = await engine.send("GET", "/containers/P-c/export");
        const own = (await listing(body)).filter((line) => !/^(dev|etc)\/ /.test(line));
        return { status, type: headers["content-type"], files: own };
      }),
    );
  });
});

type Put = readonly [what: string, members: readonly Member[], query?: string];

const PUTS: readonly Put[] = [
  [
    "files and directories with owners and modes",
    [
      { name: "own/", type: "directory", mode: 0o750, uid: 7, gid: 8 },
      { name: "own/f", data: "x", mode: 0o4755, uid: 9, gid: 10 },
      { name: "own/l", type: "hardlink", target: "own/f", mode: 0o4755, uid: 9, gid: 10 },
      { name: "own/s", type: "symlink", target: "/etc/passwd" },
      { name: "own/p", type: "fifo" },
      { name: "own/c", type: "char", device: { major: 1, minor: 3 }, mode: 0o666 },
    ],
  ],
  [
    "everything for the container's user",
    [
      { name: "own/", type: "directory", uid: 7 },
      { name: "imp/lied/f", data: "x", uid: 9 },
    ],
    "copyUIDGID=1",
  ],
  ["directories that nobody named", [{ name: "imp/a/b", data: "1", uid: 5, gid: 5 }]],
  [
    "the directory itself",
    [
      { name: "./", type: "directory", mode: 0o700, uid: 3 },
      { name: "./q", data: "1" },
    ],
  ],
  ["absolute names", [{ name: "/abs", data: "x" }]],
  ["names that climb", [{ name: "../up", data: "x" }]],
  ["names that climb in the middle", [{ name: "a/../../../mid", data: "x" }]],
  ["links that climb", [{ name: "rl", type: "symlink", target: "../../../etc/passwd" }]],
  [
    "a file through a link of its own",
    [
      { name: "tl", type: "symlink", target: "/home" },
      { name: "tl/inside", data: "y" },
    ],
  ],
  ["a file through a link that was there", [{ name: "there/inside", data: "y" }]],
  ["hard links that climb", [{ name: "hl", type: "hardlink", target: "../etc/passwd" }]],
  ["hard links to the root", [{ name: "hl", type: "hardlink", target: "/etc/passwd" }]],
  ["hard links to nothing", [{ name: "hl", type: "hardlink", target: "missing" }]],
  ["a file over a directory", [{ name: "dd", data: "x" }]],
  ["a directory over a file", [{ name: "ff", type: "directory" }]],
  ["a file over a directory, refused", [{ name: "dd", data: "x" }], "noOverwriteDirNonDir=1"],
  ["a directory over a file, refused", [{ name: "ff", type: "directory" }], "noOverwriteDirNonDir=1"],
  [
    "a directory over a directory, and a file over a file",
    [
      { name: "dd/", type: "directory", mode: 0o711 },
      { name: "ff", data: "new" },
    ],
    "noOverwriteDirNonDir=1",
  ],
  ["whiteouts as plain files", [{ name: ".wh.x" }, { name: "d/.wh..wh..opq" }]],
  ["a long name", [{ name: `${"d".repeat(120)}/${"f".repeat(200)}`, data: "x" }]],
  ["a name that is too long", [{ name: "x".repeat(300), data: "1" }]],
  ["attributes", [{ name: "xa", data: "z", xattrs: { "user.foo": "bar" } }]],
];

describe("putting an archive", () => {
  const ROOM = "mkdir -p /tmp/o/dd; echo 1 > /tmp/o/dd/in; echo f > /tmp/o/ff; ln -s /etc /tmp/o/there";

  test.each(PUTS)("%s", async (_, members, query = "") => {
    await engines.both((engine) => run(engine, ROOM, { body: { User: "test" } }));
    same(
      await engines.both(async (engine) => {
        const put = await engine.send("PUT", `/containers/P-c/archive?path=/tmp/o&${query}`, tar(members), TAR);
        const { body } = await engine.send("GET", "/containers/P-c/archive?path=/tmp/o");
        const etc = await engine.send("GET", "/containers/P-c/archive?path=/etc");
        const outside = (await listing(etc.body)).map((line) => line.split(" ")[0]);
        const message = asRefusal(put.status) === "refused" ? wordsOf(withoutNames(engine, put.body)) : put.body;
        return { status: asRefusal(put.status), message, files: await listing(body), outside };
      }),
    );
  });

  test.each([true, false])("goes where the path leads (running: %p)", async (isRunning) => {
    await engines.both((engine) => run(engine, FURNISH, { stop: !isRunning, body: { Volumes: { "/vol": {} } } }));
    const archive = tar([{ name: "put", data: "x" }]);
    for (const path of [
      "/a",
      "/l",
      "/l/",
      "/tovol",
      "/vol/.",
      "/dang",
      "/none",
      "/etc/passwd",
      "/bin/sh",
      "/etc/passwd/x",
      "",
    ])
      same(
        await engines.both(async (engine) => {
          const put = await engine.send(
            "PUT",
            `/containers/P-c/archive?path=${encodeURIComponent(path)}`,
            archive,
            TAR,
          );
          return [path, asRefusal(put.status), withoutNames(engine, put.body).replace(/lstat [^:]*: /, "")];
        }),
      );
    same(
      await engines.both(async (engine) =>
        Promise.all(
          ["/a", "/vol"].map(
            async (path) => await listing((await engine.send("GET", `/containers/P-c/archive?path=${path}`)).body),
          ),
        ),
      ),
    );
  });

  test.each([true, false])("is refused where all is read-only (running: %p)", async (isRunning) => {
    const HostConfig = { ReadonlyRootfs: true, Binds: ["/var/tmp:/ro:ro"], Tmpfs: { "/scratch": "" } };
    await engines.both((engine) =>
      run(engine, "true", { stop: !isRunning, body: { HostConfig, Volumes: { "/rw": {} } } }),
    );
    for (const path of ["/tmp", "/rw", "/ro", "/scratch", "/none"])
      await sameAnswer(engines, "PUT", `/containers/P-c/archive?path=${path}`, tar([{ name: "x", data: "x" }]), TAR);
  });

  test("takes compressed archives, and none", async () => {
    await engines.both((engine) => run(engine, "mkdir /o"));
    const archive = tar([{ name: "f", data: "x".repeat(1000) }]);
    for (const body of [
      Bun.gzipSync(Buffer.from(archive)),
      Bun.zstdCompressSync(Buffer.from(archive)),
      new Uint8Array(0),
    ])
      await sameAnswer(engines, "PUT", "/containers/P-c/archive?path=/o", body, TAR);
  });

  test("refuses what is no archive", async () => {
    await engines.both((engine) => run(engine, "mkdir /o"));
    for (const body of [
      Buffer.from("this is no tar at all".repeat(100)),
      tarWithoutEnd([{ name: "f", data: "x", claimedSize: 5000 }]),
    ])
      same(
        await engines.both(async (engine) =>
          asRefusal((await engine.send("PUT", "/containers/P-c/archive?path=/o", body, TAR)).status),
        ),
      );
  });
});

describe("commit", () => {
  const commit = async (engine: Engine, query: string, body?: object) =>
    (await engine.get<{ Id: string }>("POST", `/commit?container=P-c&${query}`, body)).Id;

  test.each(SCRIPTS)("makes a layer of %s", async (_, script) => {
    same(
      await engines.both(async (engine) => {
        await run(engine, script);
        const id = await commit(engine, "pause=0");
        await engine.get("POST", "/containers/create?name=P-d", { Image: id, Cmd: ["sleep", "1000"] });
        const { body } = await engine.send("GET", "/containers/P-d/export");
        await engine.send("DELETE", "/containers/P-d");
        await engine.send("DELETE", `/images/${id}?force=1`);
        return (await listing(body)).filter((line) => !/^(dev|etc)\/ /.test(line));
      }),
    );
  });

  test.each([
    ["author=me&comment=hello", undefined],
    ["changes=ENV%20B%3D2%0ACMD%20%5B%22x%22%5D%0ALABEL%20a%3Db&changes=WORKDIR%20/w", undefined],
    ["changes=ENTRYPOINT%20x%0AEXPOSE%2080%0AUSER%20u%0AVOLUME%20/v%0ASTOPSIGNAL%209", undefined],
    ["", { Env: ["A=3", "C=4"], Cmd: ["foo"], Labels: { q: "w" }, ExposedPorts: { "90/tcp": {} }, User: "u" }],
    ["", { Entrypoint: ["e"] }],
  ] as const)("with %p and %j", async (query, body) => {
    same(
      await engines.both(async (engine) => {
        await run(engine, "echo x > /x", {
          body: { Env: ["A=1"], ExposedPorts: { "80/tcp": {} }, Labels: { lab: "1" }, Healthcheck: { Test: ["NONE"] } },
        });
        const id = await commit(engine, `repo=P-image&tag=2&${query}`, body);
        const image = await engine.get<Record<string, unknown>>("GET", `/images/${id}/json`);
        const history = await engine.get<{ Id: string; Size: number }[]>("GET", `/images/${id}/history`);
        await engine.send("DELETE", `/images/${id}?force=1`);
        const { Id: _, RootFS, DockerVersion: __, ...shown } = image;
        const steps = history.map(({ Id, Size: _, ...step }) => ({
          ...step,
          Id: Id === id ? "itself" : Id,
          Created: 0,
        }));
        return JSON.parse(
          normaliseText(
            engine,
            JSON.stringify({ ...shown, layers: (RootFS as { Layers: string[] }).Layers.length, steps }),
          ),
        );
      }),
    );
  });

  test("of what did not change has no layer of its own", async () => {
    same(
      await engines.both(async (engine) => {
        await run(engine, "true");
        const id = await commit(engine, "");
        const { RootFS } = await engine.get<{ RootFS: { Layers: string[] } }>("GET", `/images/${id}/json`);
        const history = await engine.get<{ Size: number }[]>("GET", `/images/${id}/history`);
        await engine.send("DELETE", `/images/${id}?force=1`);
        return [RootFS.Layers.length, history.length, history[0]?.Size];
      }),
    );
  });

  test("is told by events, and freezes the container meanwhile", async () => {
    same(
      await engines.both(async (engine) => {
        await run(engine, "echo x > /x");
        const since = Date.now() / 1000;
        const id = await commit(engine, "repo=P-image&tag=3&comment=c");
        await commit(engine, "pause=0");
        // The clock has thousandths, events have more.
        const until = Date.now() / 1000 + 0.01;
        const { stdout } = await engine.docker([
          "events",
          `--since=${since}`,
          `--until=${until}`,
          "--format={{.Type}} {{.Action}} {{json .Actor.Attributes}}",
        ]);
        await engine.send("DELETE", `/images/${id}?force=1`);
        const own = stdout
          .split("\n")
          .filter((line) => (line.includes(engine.prefix) || line.includes(id)) && !line.includes(" start "));
        return own.map((line) => normaliseText(engine, line).replaceAll(/sha256:[0-9a-f]{64}/g, "<image>"));
      }),
    );
  });

  test("refuses what cannot be", async () => {
    await engines.both((engine) => run(engine, "true"));
    await sameAnswer(engines, "POST", "/commit?container=P-none");
    await sameAnswer(engines, "POST", "/commit?container=P-c&repo=Upper");
    await sameAnswer(engines, "POST", "/commit?container=P-c&changes=RUN%20x");
    await sameAnswer(engines, "POST", "/commit?container=P-c", "{", { "Content-Type": "application/json" });
  });
});

/** Docker answers 500 to much that is the client's own fault, tug 400. */
function asRefusal(status: number): number | "refused" {
  return status === 400 || status === 500 ? "refused" : status;
}

function withoutNames(engine: Engine, body: string): string {
  return normaliseText(engine, body);
}

/** What both engines say in the same words; what the other says is about its own steps. */
function wordsOf(message: string): string {
  return /invalid entry name|invalid hardlink|cannot overwrite|Could not find/.test(message) ? message : "some reason";
}

function statOf(header: string | undefined): unknown {
  const stat = JSON.parse(Buffer.from(header ?? "", "base64").toString());
  const isDirectory = stat.mode >= 2 ** 31;
  // Sizes of directories are their filesystem's.
  return { ...stat, mtime: stat.mtime > "2025" ? "now" : stat.mtime, ...(isDirectory && { size: 0 }) };
}
